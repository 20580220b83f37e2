// The parent's side of one node process: commands go in, what it tells comes out, and it is gone after `end`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const programPath = fileURLToPath(new URL('./node.mjs', import.meta.url))

/** Starts a node that signals through `signalUrl`; `onPeer(key)` for each peer, `onExit(code)` when it ends unasked. */
export function startNodeProcess({ signalUrl, onPeer, onExit }) {
  const child = fork(programPath, [], { env: { ...process.env, RESILIENT_SWARM_SIGNALS: signalUrl } })
  const gone = once(child, 'exit')
  const waiting = new Map()
  let ending = false

  child.on('message', (message) => {
    if (message.kind === 'peer') onPeer(message.key)
    else waiting.get(message.kind)?.(message)
  })
  child.on('exit', (code, signal) => ending || onExit(signal ?? code))

  const next = (kind) => new Promise((resolve) => waiting.set(kind, resolve))
  const ask = (command) => {
    const answer = next(command.kind)
    if (child.connected) child.send(command)
    return answer
  }

  return {
    key: next('key').then((message) => message.key),
    call: (key) => child.send({ kind: 'call', key }),
    report: (peers) => ask({ kind: 'report', peers }),
    trouble: () => ask({ kind: 'trouble' }).then((message) => message.errors),
    async end(timeoutMs) {
      ending = true
      if (child.exitCode !== null || child.signalCode !== null) return
      if (child.connected) child.send({ kind: 'close' })
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      await gone
      clearTimeout(timer)
    },
  }
}
