import { abortedError, type PeerId, Scope, type Substream, SwarmError, utf8 } from '@resilient-swarm/contract'
import type { RpcSession } from '@resilient-swarm/rpc'
import { STREAM_TYPE_BYTES_MAX } from './limits.ts'
import { isOwnType, type Link } from './link.ts'
import { Listeners } from './listeners.ts'

/** What every peer answers besides the application's own methods. */
export interface BuiltInMethods {
  /** Answers with the peer's wall clock, ms since 1970. */
  ping(): Promise<number>
  /** Forwards a sealed box to a peer that is connected to the one asked. */
  signal(to: string, id: string, box: string): Promise<void>
}

/** How a peer is reached right now. */
export interface PeerPath {
  readonly kind: string
  readonly via: PeerId | undefined
  readonly rttMs: number | undefined
}

export interface PeerEvents {
  /** The peer opened a substream of the application's. */
  stream: [substream: Substream]
}

/** Somebody whose key was proven. It stays the same object while paths come and go under it, and ends with `closed`. */
export interface Peer<Remote = unknown> {
  /** The peer's address text, `rs1…`. */
  readonly publicKey: PeerId
  readonly path: PeerPath
  /** Smoothed round trip in ms; undefined until the first answer. */
  readonly rttMs: number | undefined
  /** The peer's methods: `await peer.rpc.ping()`. Fails with `ERR_RPC_…`. */
  readonly rpc: Remote & BuiltInMethods
  /**
   * Opens a substream of any type of 1–64 bytes but `db`, `dnode` and `relay`. Fails with `ERR_PEER_GONE`,
   * `ERR_SUBSTREAM_LIMIT` or `ERR_ABORTED`.
   */
  openStream(type: string, options?: { signal?: AbortSignal }): Promise<Substream>
  /** Resolves when the peer is gone for good. */
  readonly closed: Promise<void>
  on<Name extends keyof PeerEvents>(event: Name, listener: (...facts: PeerEvents[Name]) => void): void
  off<Name extends keyof PeerEvents>(event: Name, listener: (...facts: PeerEvents[Name]) => void): void
}

const RTT_WEIGHT = 1 / 8 // RFC 6298 §2: SRTT = 7/8 SRTT + 1/8 R
const FASTER_RTT_WEIGHT = 1 / 2 // what is slow is often this machine, first of all while it connects; a fast answer never lies

/** The swarm's own side of a `Peer`. */
export class ConnectedPeer<Remote = unknown> implements Peer<Remote> {
  readonly publicKey: PeerId
  readonly closed: Promise<void>
  /** Ends with the link: liveness, replication, rpc. */
  readonly scope = new Scope()
  readonly link: Link
  #rttMs: number | undefined
  #rpc: RpcSession<BuiltInMethods> | undefined
  readonly #events = new Listeners<PeerEvents>()

  constructor(link: Link) {
    this.link = link
    this.publicKey = link.id
    this.closed = link.closed.then(() => undefined)
  }

  get path(): PeerPath {
    return { kind: this.link.path.kind, via: this.link.path.via, rttMs: this.#rttMs }
  }

  get rttMs(): number | undefined {
    return this.#rttMs
  }

  get rpc(): Remote & BuiltInMethods {
    return this.session.remote as Remote & BuiltInMethods
  }

  get session(): RpcSession<BuiltInMethods> {
    if (!this.#rpc) throw new SwarmError('The peer has no rpc substream yet.', { code: 'ERR_PEER_GONE', retryable: true })
    return this.#rpc
  }

  attachRpc(session: RpcSession<BuiltInMethods>): void {
    this.#rpc = session
  }

  updateRtt(sampleMs: number): void {
    const beforeMs = this.#rttMs ?? sampleMs
    this.#rttMs = beforeMs + (sampleMs < beforeMs ? FASTER_RTT_WEIGHT : RTT_WEIGHT) * (sampleMs - beforeMs)
  }

  async openStream(type: string, { signal }: { signal?: AbortSignal } = {}): Promise<Substream> {
    if (signal?.aborted) throw abortedError(signal)
    checkStreamType(type)
    if (this.scope.isClosed) {
      throw new SwarmError('The peer is gone: call it again.', { code: 'ERR_PEER_GONE', retryable: true })
    }
    return this.link.multiplexer.openSubstream(type)
  }

  on<Name extends keyof PeerEvents>(event: Name, listener: (...facts: PeerEvents[Name]) => void): void {
    this.#events.on(event, listener)
  }

  off<Name extends keyof PeerEvents>(event: Name, listener: (...facts: PeerEvents[Name]) => void): void {
    this.#events.off(event, listener)
  }

  /** True when somebody listened. */
  emitStream(substream: Substream): boolean {
    return this.#events.emit('stream', substream)
  }
}

/** TypeError for the swarm's own types, RangeError for an empty or over-long name. */
function checkStreamType(type: string): void {
  if (isOwnType(type)) throw new TypeError(`the substream type '${type}' is the swarm's own; choose another name`)
  const typeBytes = utf8(type).byteLength
  if (typeBytes === 0 || typeBytes > STREAM_TYPE_BYTES_MAX) {
    throw new RangeError(`a substream type has 1 to ${STREAM_TYPE_BYTES_MAX} bytes`)
  }
}
