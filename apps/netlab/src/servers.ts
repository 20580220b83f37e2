import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Host } from './lab.ts'

/** Where nodes meet, and where they learn how the world sees them. */
export interface Servers {
  readonly signalUrl: string
  readonly stunUrl: string
}

const SIGNAL_PORT = 6688
const STUN_PORT = 3478
const START_TIMEOUT_MS = 10_000
const signalProgram = fileURLToPath(new URL('main.js', import.meta.resolve('@resilient-swarm/signal-server')))

/** Starts a signal server and coturn, as STUN server only, on an open host. They end with the lab. */
export async function startServers(host: Host): Promise<Servers> {
  const { address } = host
  const signal = [process.execPath, signalProgram, '--host', address, '--port', String(SIGNAL_PORT)]
  const stun = ['turnserver', '-n', '--stun-only', '--no-cli', '--no-tls', '--no-dtls', '-L', address, '-p', String(STUN_PORT)]
  await Promise.all([
    start({ host, command: signal, ready: 'listening' }),
    start({ host, command: [...stun, '--log-file', 'stdout', '--pidfile', '/dev/null'], ready: 'Total General servers' }),
  ])
  return { signalUrl: `ws://${address}:${SIGNAL_PORT}`, stunUrl: `stun:${address}:${STUN_PORT}` }
}

/** Resolves when the program has printed a line with the word. */
function start({ host, command, ready }: { host: Host; command: readonly string[]; ready: string }): Promise<void> {
  const [program = '', ...args] = host.namespace.inside(command)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${command[0]} is not ready after ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS)
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`${command.join(' ')} ended with code ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.includes(ready)) return
      clearTimeout(timer)
      resolve()
    })
  })
}
