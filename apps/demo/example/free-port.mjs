// The wanted port, or the next free one above it.
import { createServer } from 'node:net'

const triesMax = 50

/** Calls `start(port)` with the first free port from `port` on, and resolves to what it made. */
export async function onFreePort({ host, port }, start) {
  for (let candidate = port; candidate < port + triesMax; candidate += 1) {
    if (await isFree({ host, port: candidate })) return start(candidate)
  }
  throw new Error(`No port from ${port} to ${port + triesMax - 1} on ${host} is free.`)
}

function isFree({ host, port }) {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}
