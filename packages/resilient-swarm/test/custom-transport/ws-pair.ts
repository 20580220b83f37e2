import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Closable,
  createRuntime,
  type Path,
  type PeerId,
  type Runtime,
  type SignalLine,
  SwarmError,
} from '@resilient-swarm/contract'
import { WebSocket } from 'ws'
import { NONCE_BYTES, wsTransport } from './ws-transport.ts'

const BOB = 'rs1bob' as PeerId
const never = new AbortController().signal
const signals: SignalLine = { attempt: '', send: () => Promise.reject(new Error('a WebSocket needs no signals')), onSignal() {} }
export const nonce = new Uint8Array(NONCE_BYTES).fill(7)

const ends: (() => unknown)[] = []

/** Ends what a test opened here, newest first. */
export async function endAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end()
}

/** Ends with the test. */
export function atEnd(end: () => unknown): void {
  ends.push(end)
}

export async function startServer(): Promise<{ server: Server; url: string }> {
  const server = createServer((_request, response) => response.writeHead(426).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Bob listens; `next` gives the paths that he accepts, in order. */
export async function listen(runtime: Runtime = createRuntime()) {
  const { server, url } = await startServer()
  const waiting: Path[] = []
  let wake: () => void = () => {}
  const listening: Closable = wsTransport({ server }).listen({
    runtime,
    onAttempt() {},
    accept(path) {
      ends.push(() => path.channel.abort(new SwarmError('The test is over.', { code: 'ERR_TEST_OVER' })))
      waiting.push(path)
      wake()
    },
  })
  ends.push(() => listening.close())
  return {
    url,
    listening,
    accepted: waiting as readonly Path[],
    async next(): Promise<Path> {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return waiting.shift() as Path
    },
  }
}

export function dial(
  url: string | undefined,
  { runtime = createRuntime(), signal = never }: { runtime?: Runtime; signal?: AbortSignal } = {},
) {
  return wsTransport({ urlOf: () => url }).dial(BOB, { runtime, signals, signal })
}

export async function connectPaths(runtime?: Runtime): Promise<{ alice: Path; bob: Path }> {
  const listening = await listen(runtime)
  const [alice, bob] = await Promise.all([dial(listening.url, runtime ? { runtime } : {}), listening.next()])
  return { alice, bob }
}

/** A bare WebSocket to bob, in mallory's hands. */
export async function openBare(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  socket.on('error', () => {})
  ends.push(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

/** A path at bob whose other end is a bare WebSocket. */
export async function connectBare(runtime?: Runtime): Promise<{ mallory: WebSocket; bob: Path }> {
  const listening = await listen(runtime)
  const mallory = await openBare(listening.url)
  mallory.send(nonce)
  return { mallory, bob: await listening.next() }
}
