import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SwarmError } from '@resilient-swarm/contract'
import { SIGNAL_FRAME_BYTES_MAX } from '@resilient-swarm/signal-exchange/protocol'
import { type ServerOptions, WebSocketServer } from 'ws'
import { FRAGMENTS_MAX, HTTP_HEADER_BYTES_MAX, HTTP_TIMEOUT_MS, type SignalServerLimits } from './limits.ts'

/** The HTTP side: upgrades are for whoever listens to them, one path tells how the server is, nothing else is there. */
export function createHttpServer({
  health,
  limits,
  stats,
}: {
  health: string | false
  limits: SignalServerLimits
  stats: () => object
}): Server {
  const http = createServer({
    maxHeaderSize: HTTP_HEADER_BYTES_MAX,
    headersTimeout: HTTP_TIMEOUT_MS,
    requestTimeout: HTTP_TIMEOUT_MS,
  })
  http.maxConnections = limits.connectionsMax
  http.on('request', (request, response) => {
    const isHealth = request.method === 'GET' && request.url === health
    const body = isHealth ? JSON.stringify({ status: 'ok', ...stats() }) : 'This is a signal server: it speaks WebSocket only.'
    response.writeHead(isHealth ? 200 : 426, {
      'content-type': isHealth ? 'application/json' : 'text/plain',
      connection: 'close',
    })
    response.end(`${body}\n`)
  })
  return http
}

/** The WebSocket side; it takes the sockets that it is handed and keeps none. */
export function createWebSocketServer({ closeTimeoutMs }: SignalServerLimits): WebSocketServer {
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false, // sealed boxes do not compress
    maxPayload: SIGNAL_FRAME_BYTES_MAX,
    maxFragments: FRAGMENTS_MAX,
    // One frame a turn: clients take turns, and what is written meanwhile gets to report that it left.
    allowSynchronousEvents: false,
    closeTimeout: closeTimeoutMs,
  }
  return new WebSocketServer(options)
}

/** Where it listens now; ERR_SIGNAL_SERVER_LISTEN when it cannot. */
export function listen(http: Server, { host, port }: { host: string; port: number }): Promise<{ address: string; port: number }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(
        new SwarmError(`Cannot listen on ${host}:${port} (${cause.message}); is another server there? Choose another port.`, {
          code: 'ERR_SIGNAL_SERVER_LISTEN',
          cause,
        }),
      )
    http.once('error', fail)
    http.listen({ host, port }, () => {
      http.off('error', fail)
      const { address, port: listening } = http.address() as AddressInfo
      resolve({ address, port: listening })
    })
  })
}
