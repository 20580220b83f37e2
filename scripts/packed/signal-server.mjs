// The published signal server, started by its command.
import { createServer } from 'node:net'
import { join } from 'node:path'
import { startProgram } from '../program.mjs'

const host = '127.0.0.1'
const startTimeoutMs = 10_000

/** Resolves to `{ url, end }` when it answers its health route. */
export async function startSignalServer({ app }) {
  const port = await freePort()
  const command = join(app, 'node_modules/.bin/resilient-swarm-signal-server')
  const program = startProgram([command, '--host', host, '--port', String(port)], { cwd: app })
  const until = Date.now() + startTimeoutMs
  while (!(await answers(`http://${host}:${port}/health`))) {
    if (Date.now() < until) continue
    await program.end()
    throw new Error(`The signal server does not answer /health:\n${program.lines.join('\n')}`)
  }
  return { url: `ws://${host}:${port}`, end: program.end }
}

async function answers(url) {
  try {
    return (await fetch(url)).ok
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return false
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, host, () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
