import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  abortedError,
  type Clock,
  concatBytes,
  type Path,
  type PeerId,
  type Random,
  Scope,
  type SwarmError,
  type Transport,
} from '@resilient-swarm/contract'
import { WebSocket, WebSocketServer } from 'ws'
import { MESSAGE_BYTES_MAX, WsChannel, wsError } from './ws-channel.ts'

export const NONCE_BYTES = 32 // two connections never have the same by chance
export const GREETING_TIMEOUT_MS = 5_000 // from the first packet to both nonces; ten round trips of a bad link
export const GREETINGS_PENDING_MAX = 32 // strangers who have said nothing yet, whom the facade does not count
const SOCKET = { perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX } // what is sealed does not get smaller

export interface WsOptions {
  /** A peer's `ws:` or `wss:` URL, undefined where none is known. Without it nobody is dialled. */
  readonly urlOf?: (peer: PeerId) => string | undefined
  /** Takes WebSockets on this server, which its owner starts and closes. Without it nobody is let in. */
  readonly server?: Server
}

/** Plain WebSockets as paths, with no server but the nodes' own. */
export function wsTransport({ urlOf, server }: WsOptions): Transport {
  return {
    name: 'ws',
    async dial(target, { runtime: { clock, random }, signal }) {
      if (signal.aborted) throw abortedError(signal)
      const url = urlOf?.(target)
      if (url === undefined) throw wsError('ERR_WS_NO_URL', { message: 'No URL of this peer is known: see urlOf.' })
      return greet(new WebSocket(url, SOCKET), { role: 'initiator', clock, random, signal })
    },
    listen({ runtime: { clock, random, log }, accept }) {
      const sockets = new WebSocketServer({ noServer: true, clientTracking: false, ...SOCKET })
      const greetings = new Set<AbortController>()
      const welcome = async (socket: WebSocket) => {
        const greeting = new AbortController()
        greetings.add(greeting)
        try {
          accept(await greet(socket, { role: 'responder', clock, random, signal: greeting.signal }))
        } catch (error) {
          log.debug('a WebSocket came to nothing', { error: String(error) })
        } finally {
          greetings.delete(greeting)
        }
      }
      const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
        if (greetings.size < GREETINGS_PENDING_MAX) sockets.handleUpgrade(request, stream, head, welcome)
        else stream.destroy()
      }
      server?.on('upgrade', upgrade)
      return {
        close() {
          server?.off('upgrade', upgrade)
          for (const greeting of greetings) greeting.abort() // paths that were handed over go on: they are the facade's
        },
      }
    },
  }
}

interface Greeting {
  readonly role: 'initiator' | 'responder'
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

/** Each end first sends a nonce; both nonces, the dialler's first, are the binding. Ends the socket on any failure. */
function greet(socket: WebSocket, { role, clock, random, signal }: Greeting): Promise<Path> {
  return new Promise((resolve, reject) => {
    const scope = new Scope()
    const ours = random.bytes(NONCE_BYTES)
    const fail = (error: SwarmError) => {
      void scope.close()
      socket.terminate()
      reject(error)
    }
    const lose = (message: string, cause?: unknown) => fail(wsError('ERR_WS_LOST', { message, cause }))
    scope.timer(clock, GREETING_TIMEOUT_MS, () => lose('The peer did not greet in time.'))
    scope.listen(signal, 'abort', () => fail(abortedError(signal)))
    socket.on('error', (cause) => lose(`The WebSocket failed: ${cause.message}`, cause))
    socket.on('close', () => lose('The peer closed the WebSocket before it greeted.'))
    socket.binaryType = 'arraybuffer'
    if (role === 'responder') socket.send(ours)
    else socket.on('open', () => socket.send(ours))
    socket.once('message', (data, isBinary) => {
      const theirs = new Uint8Array(data as ArrayBuffer)
      if (!isBinary || theirs.byteLength !== NONCE_BYTES) return lose('The peer greeted with something that is no nonce.')
      void scope.close()
      const binding = role === 'initiator' ? concatBytes(ours, theirs) : concatBytes(theirs, ours)
      resolve({ channel: new WsChannel({ socket, clock }), kind: 'ws', binding })
    })
  })
}
