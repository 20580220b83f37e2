import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log, PeerId, Timer } from '@resilient-swarm/contract'
import type { CloseCodeName } from '@resilient-swarm/signal-exchange/protocol'
import type { WebSocket, WebSocketServer } from 'ws'
import { type AddressRate, createAddressRate } from './address-rate.ts'
import { createDirectory, type Holder } from './directory.ts'
import { createHttpServer, createWebSocketServer, listen } from './listen.ts'
import { joinLocally, type LocalMember, type LocalMemberOptions, type Sought } from './local-member.ts'
import { readOptions, type Settings, type SignalServerOptions } from './options.ts'
import { isOwnOrigin, originsAt } from './origins.ts'
import { createSession, type Session, type SessionEvent } from './session.ts'

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
  /** A client in this very process, with a key that needs no proof; a newer login of the key takes its place. */
  join(options: LocalMemberOptions): LocalMember
  /** Tells every client to go elsewhere, then ends everything; idempotent. */
  close(): Promise<void>
}

/** Listens; ERR_SIGNAL_SERVER_LISTEN when it cannot. */
export async function createSignalServer(options: SignalServerOptions = {}): Promise<SignalServer> {
  const server = new Exchange(readOptions(options))
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
  readonly #settings: Settings
  readonly #log: Log
  readonly #http: Server
  readonly #webSockets: WebSocketServer
  readonly #directory = createDirectory<Holder>()
  readonly #connections = new Set<Connection>()
  readonly #listeners = new Set<(sought: Sought) => void>()
  readonly #addresses: AddressRate
  readonly #counts = { registered: 0, frames: 0, forwarded: 0, refused: 0 }
  readonly #closed = new Map<CloseCodeName, number>()
  #pingTimer: Timer | undefined
  #closing: Promise<void> | undefined

  constructor(settings: Settings) {
    const { health, limits, log } = settings
    this.#settings = settings
    this.#log = log
    this.#addresses = createAddressRate({ rate: limits.connectionRate, addressesMax: limits.addressesMax })
    this.#webSockets = createWebSocketServer(limits)
    this.#http = createHttpServer({ health, limits, stats: () => this.stats })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  get stats(): SignalServerStats {
    return {
      connections: this.#connections.size,
      online: this.#directory.size,
      ...this.#counts,
      closed: Object.fromEntries(this.#closed),
    }
  }

  join(options: LocalMemberOptions): LocalMember {
    const { runtime } = this.#settings
    return joinLocally({ ...options, directory: this.#directory, listeners: this.#listeners, clock: runtime.clock })
  }

  async listen(): Promise<void> {
    const { address, port } = await listen(this.#http, this.#settings)
    this.#http.on('error', (error) => this.#log.warn('the listening socket failed', { error: error.message }))
    const { origins } = this.#settings
    this.port = port
    this.url = origins[0] ?? originsAt({ address: reachable(address), port })[0] ?? ''
    this.#schedulePings()
    this.#log.info('listening', { host: address, port, origins: origins.length > 0 ? origins : [this.url] })
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    this.#log.info('closing', { connections: this.#connections.size })
    this.#pingTimer?.cancel()
    const ended = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    const left = [...this.#connections].map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)))
    for (const { session } of [...this.#connections]) session.close('goingAway')
    const cut = this.#settings.runtime.clock.setTimer(this.#settings.limits.closeTimeoutMs, () => {
      for (const { socket } of [...this.#connections]) socket.terminate()
      this.#http.closeAllConnections()
    })
    this.#http.closeIdleConnections()
    await Promise.all([ended, ...left])
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
      this.#accept(webSocket, (origin) => isOwnOrigin({ origin, named: this.#settings.origins, local }))
    })
  }

  #refusal(address: string): string | undefined {
    if (this.#closing) return '503 Service Unavailable'
    if (!this.#addresses.take(address, this.#settings.runtime.clock.monotonic())) return '429 Too Many Requests'
    return this.#connections.size >= this.#settings.limits.connectionsMax ? '503 Service Unavailable' : undefined
  }

  #accept(socket: WebSocket, isOwn: (origin: string) => boolean): void {
    const session = createSession({
      port: {
        send: (text, written) => socket.send(text, written),
        close: (code, reason) => socket.close(code, reason),
      },
      directory: this.#directory,
      limits: this.#settings.limits,
      runtime: this.#settings.runtime,
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
    this.#pingTimer = this.#settings.runtime.clock.setTimer(this.#settings.limits.pingMs, () => {
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
      case 'offline':
        for (const hear of this.#listeners) hear(event)
        break
    }
    this.#log.debug('not done', { why: event.kind })
  }
}

/** An address to dial for one that is listened on: "all of them" is no address. */
function reachable(address: string): string {
  return address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
}

/** Enough of a key to tell clients apart in a log. */
function shortKey(key: PeerId): string {
  return key.slice(0, 12)
}
