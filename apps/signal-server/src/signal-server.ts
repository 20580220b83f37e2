import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createRuntime, type Log, type PeerId, type Runtime, SwarmError, type Timer } from '@resilient-swarm/contract'
import { type CloseCodeName, normalizeOrigin, SIGNAL_FRAME_BYTES_MAX } from '@resilient-swarm/signal-exchange/protocol'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { type AddressRate, createAddressRate } from './address-rate.ts'
import { createDirectory } from './directory.ts'
import { FRAGMENTS_MAX, HTTP_HEADER_BYTES_MAX, HTTP_TIMEOUT_MS, readLimits, type SignalServerLimits } from './limits.ts'
import { isOwnOrigin, originsAt } from './origins.ts'
import { createSession, type Session, type SessionEvent } from './session.ts'

export interface SignalServerOptions {
  /** Where to listen. Default 127.0.0.1. */
  readonly host?: string
  /** Default 6688; 0 takes a free one. */
  readonly port?: number
  /**
   * The URLs that clients dial, as they dial them. Logins for any other are refused. Without: the address that a connection
   * arrives at (and `localhost` for loopback), so a server behind a proxy or a port mapping must be told.
   */
  readonly origins?: readonly string[]
  /** Answers `GET /health` with a line of JSON. Default false. */
  readonly health?: boolean
  /** Default: silent. */
  readonly log?: Log
  readonly limits?: Partial<SignalServerLimits>
  /** Time and chance; its log is used when `log` is not given. */
  readonly runtime?: Runtime
}

export interface SignalServerStats {
  /** Sockets that are open, logged in or not. */
  readonly connections: number
  /** Keys that are online. */
  readonly online: number
  /** Since the start: logins, frames read, signals passed on. */
  readonly registered: number
  readonly frames: number
  readonly forwarded: number
  /** Since the start: connections refused before they began. */
  readonly refused: number
  /** Since the start: sessions that the server ended, by reason. */
  readonly closed: Readonly<Partial<Record<CloseCodeName, number>>>
}

export interface SignalServer {
  readonly port: number
  /** What a client on this machine dials. */
  readonly url: string
  readonly stats: SignalServerStats
  /** Tells every client to go elsewhere, then ends everything; idempotent. */
  close(): Promise<void>
}

const OPTIONS: ReadonlySet<string> = new Set<keyof SignalServerOptions>([
  'host',
  'port',
  'origins',
  'health',
  'log',
  'limits',
  'runtime',
])

/** Listens; ERR_SIGNAL_SERVER_LISTEN when it cannot. */
export async function createSignalServer(options: SignalServerOptions = {}): Promise<SignalServer> {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new TypeError(`unknown option '${name}'; known are ${[...OPTIONS].join(', ')}`)
  }
  const server = new Exchange(options)
  await server.listen()
  return server
}

interface Connection {
  readonly socket: WebSocket
  readonly session: Session
  unansweredPings: number
}

class Exchange implements SignalServer {
  port = 0
  url = ''
  readonly #host: string
  readonly #wantedPort: number
  readonly #named: readonly string[]
  readonly #limits: SignalServerLimits
  readonly #runtime: Runtime
  readonly #log: Log
  readonly #http: Server
  readonly #webSockets: WebSocketServer
  readonly #directory = createDirectory<Session>()
  readonly #connections = new Set<Connection>()
  readonly #addresses: AddressRate
  readonly #counts = { registered: 0, frames: 0, forwarded: 0, refused: 0 }
  readonly #closed = new Map<CloseCodeName, number>()
  #pingTimer: Timer | undefined
  #closing: Promise<void> | undefined

  constructor(options: SignalServerOptions) {
    this.#runtime = options.runtime ?? createRuntime()
    this.#log = options.log ?? this.#runtime.log
    this.#host = options.host ?? '127.0.0.1'
    this.#wantedPort = options.port ?? 6688
    this.#named = (options.origins ?? []).map(normalizeOrigin)
    this.#limits = readLimits(options.limits)
    this.#addresses = createAddressRate({ rate: this.#limits.connectionRate, addressesMax: this.#limits.addressesMax })
    this.#http = createServer({
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
      headersTimeout: HTTP_TIMEOUT_MS,
      requestTimeout: HTTP_TIMEOUT_MS,
    })
    this.#http.maxConnections = this.#limits.connectionsMax
    this.#http.on('request', (request, response) => {
      const isHealth = options.health === true && request.method === 'GET' && request.url === '/health'
      const body = isHealth
        ? JSON.stringify({ status: 'ok', ...this.stats })
        : 'This is a signal server: it speaks WebSocket only.'
      response.writeHead(isHealth ? 200 : 426, {
        'content-type': isHealth ? 'application/json' : 'text/plain',
        connection: 'close',
      })
      response.end(`${body}\n`)
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#webSockets = new WebSocketServer(webSocketOptions(this.#limits))
  }

  get stats(): SignalServerStats {
    return {
      connections: this.#connections.size,
      online: this.#directory.size,
      ...this.#counts,
      closed: Object.fromEntries(this.#closed),
    }
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', (cause) => reject(listenError({ host: this.#host, port: this.#wantedPort, cause })))
      this.#http.listen({ host: this.#host, port: this.#wantedPort }, resolve)
    })
    this.#http.on('error', (error) => this.#log.warn('the listening socket failed', { error: error.message }))
    const { address, port } = this.#http.address() as AddressInfo
    this.port = port
    this.url = this.#named[0] ?? originsAt({ address: reachable(address), port })[0] ?? ''
    this.#schedulePings()
    this.#log.info('listening', { host: address, port, origins: this.#named.length > 0 ? this.#named : [this.url] })
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    this.#log.info('closing', { connections: this.#connections.size })
    this.#pingTimer?.cancel()
    const ended = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    for (const { session } of [...this.#connections]) session.close('goingAway')
    const cut = this.#runtime.clock.setTimer(this.#limits.closeTimeoutMs, () => {
      for (const { socket } of [...this.#connections]) socket.terminate()
      this.#http.closeAllConnections()
    })
    this.#http.closeIdleConnections()
    await ended
    cut.cancel()
    this.#log.info('closed')
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const address = request.socket.remoteAddress ?? ''
    const refusal = this.#refusal(address)
    if (refusal) {
      this.#counts.refused++
      this.#log.debug('connection refused', { address, refusal })
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
      return
    }
    const local = { address: request.socket.localAddress ?? '', port: request.socket.localPort ?? 0 }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#accept(webSocket, (origin) => isOwnOrigin({ origin, named: this.#named, local }))
    })
  }

  #refusal(address: string): string | undefined {
    if (this.#closing) return '503 Service Unavailable'
    if (!this.#addresses.take(address, this.#runtime.clock.monotonic())) return '429 Too Many Requests'
    return this.#connections.size >= this.#limits.connectionsMax ? '503 Service Unavailable' : undefined
  }

  #accept(socket: WebSocket, isOwn: (origin: string) => boolean): void {
    const session = createSession({
      port: {
        send: (text, written) => socket.send(text, written),
        close: (code, reason) => socket.close(code, reason),
      },
      directory: this.#directory,
      limits: this.#limits,
      runtime: this.#runtime,
      isOwnOrigin: isOwn,
      onEvent: (event) => this.#count(event),
    })
    const connection: Connection = { socket, session, unansweredPings: 0 }
    this.#connections.add(connection)
    socket.on('message', (data, isBinary) => {
      connection.unansweredPings = 0
      if (isBinary) session.refuseBinary()
      else session.receive(data.toString())
    })
    socket.on('pong', () => {
      connection.unansweredPings = 0
    })
    // `ws` has answered what broke its own rules (1002, 1007, 1009); `close` follows.
    socket.on('error', (error) => this.#log.debug('connection broken', { error: error.message }))
    socket.on('close', () => {
      this.#connections.delete(connection)
      session.end()
    })
  }

  #schedulePings(): void {
    this.#pingTimer = this.#runtime.clock.setTimer(this.#limits.pingMs, () => {
      for (const connection of [...this.#connections]) {
        if (connection.unansweredPings < 2) {
          connection.unansweredPings++
          connection.socket.ping()
        } else {
          connection.session.close('silent')
          connection.socket.terminate()
        }
      }
      this.#schedulePings()
    })
  }

  #count(event: SessionEvent): void {
    switch (event.kind) {
      case 'frame':
        this.#counts.frames++
        return
      case 'forwarded':
        this.#counts.forwarded++
        return
      case 'registered':
        this.#counts.registered++
        this.#log.info('registered', { key: shortKey(event.key), online: this.#directory.size })
        return
      case 'left':
        this.#log.info('left', { key: shortKey(event.key), online: this.#directory.size })
        return
      case 'closed':
        this.#closed.set(event.why, (this.#closed.get(event.why) ?? 0) + 1)
        this.#log.debug('session ended by us', { why: event.why, ...(event.key ? { key: shortKey(event.key) } : {}) })
        return
      default:
        this.#log.debug('not done', { why: event.kind })
    }
  }
}

function webSocketOptions(limits: SignalServerLimits): ServerOptions {
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false, // we keep our own set
    perMessageDeflate: false, // sealed boxes do not compress
    maxPayload: SIGNAL_FRAME_BYTES_MAX,
    maxFragments: FRAGMENTS_MAX,
    // One frame a turn: clients take turns, and what is written meanwhile gets to report that it left.
    allowSynchronousEvents: false,
    closeTimeout: limits.closeTimeoutMs,
  }
  return options
}

function listenError({
  host,
  port,
  cause,
}: {
  host: string
  port: number
  cause: Error
}): SwarmError<'ERR_SIGNAL_SERVER_LISTEN'> {
  return new SwarmError(`Cannot listen on ${host}:${port} (${cause.message}); is another server there? Choose another port.`, {
    code: 'ERR_SIGNAL_SERVER_LISTEN',
    cause,
  })
}

/** An address to dial for one that is listened on: "all of them" is no address. */
function reachable(address: string): string {
  return address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
}

/** Enough of a key to tell clients apart in a log. */
function shortKey(key: PeerId): string {
  return key.slice(0, 12)
}
