import { abortedError, type Clock, type PeerId, Scope, type Substream, SwarmError, utf8 } from '@resilient-swarm/contract'
import type { Multiplexer } from '@resilient-swarm/multiplexer'
import type { RpcSession } from '@resilient-swarm/rpc'
import type { Session, SessionPath } from '@resilient-swarm/session'
import { LETTING_GO_MS, STREAM_TYPE_BYTES_MAX } from './limits.ts'
import { Listeners } from './listeners.ts'
import { isOwnType } from './own-types.ts'
import { createUseWatch, type UseWatch, watchRemote } from './use-watch.ts'

/** What every peer answers besides the application's own methods. */
export interface BuiltInMethods {
  /** Answers with the peer's wall clock, ms since 1970. */
  ping(): Promise<number>
  /** Whether the peer asked has a path to that peer right now. */
  reaches(key: string): Promise<boolean>
  /** Whether the peer asked needs its link to the caller; after a no it counts on it no longer. */
  needsLink(): Promise<boolean>
  /** Forwards a sealed box to a peer that is connected to the one asked. */
  signal(to: string, id: string, box: string): Promise<void>
}

/** One way to a peer: `webrtc`, a `circuit` through another peer (`via`), or a transport of your own. */
export interface PeerPath {
  readonly kind: string
  /** Whose circuit it is; undefined for a direct path. */
  readonly via: PeerId | undefined
  /** Smoothed round trip in ms of this very path; undefined until the first answer. */
  readonly rttMs: number | undefined
}

/** `reconnecting`: no path stands right now; streams and calls pause, and go on when one does. */
export type PeerState = 'connected' | 'reconnecting' | 'ended'

export interface PeerEvents {
  /** The peer opened a substream of the application's. */
  stream: [substream: Substream]
  /** What is sent takes another path from now on. */
  path: [path: PeerPath]
  /** The last path was lost. Nothing else is: everything pauses for up to 30 s. */
  reconnecting: []
  /** A path stands again, and everything goes on where it was. */
  reconnected: []
}

/** Somebody connected, whose key was proven. It stays the same object while paths come and go under it, and ends with `closed`. */
export interface Peer<Remote = unknown> {
  /** The peer's address text, `rs1…`. */
  readonly publicKey: PeerId
  readonly state: PeerState
  /** The path that is sent on now; while reconnecting, the last one. */
  readonly path: PeerPath
  /** Every path that stands, the one that is sent on first. */
  readonly paths: readonly PeerPath[]
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

export interface ConnectedPeerParts {
  readonly id: PeerId
  readonly session: Session
  readonly multiplexer: Multiplexer
  /** Of two peers the one with the larger key leads: it opens the swarm's own substreams, and dials first when a path is missing. */
  readonly leads: boolean
  readonly clock: Clock
}

/** The swarm's own side of a `Peer`. */
export class ConnectedPeer<Remote = unknown> implements Peer<Remote> {
  readonly publicKey: PeerId
  readonly closed: Promise<void>
  /** Ends with the session: replication, upkeep of paths. */
  readonly scope = new Scope()
  readonly session: Session
  readonly multiplexer: Multiplexer
  readonly leads: boolean
  /** What the application does with the peer. */
  readonly use: UseWatch
  readonly #clock: Clock
  #rpc: RpcSession<BuiltInMethods> | undefined
  #remote: RpcSession<BuiltInMethods>['remote'] | undefined
  #letGoUntilMs = Number.NEGATIVE_INFINITY
  #path: PeerPath
  readonly #events = new Listeners<PeerEvents>()

  constructor({ id, session, multiplexer, leads, clock }: ConnectedPeerParts) {
    this.publicKey = id
    this.use = createUseWatch(clock)
    this.#clock = clock
    this.session = session
    this.multiplexer = multiplexer
    this.leads = leads
    this.closed = session.closed.then(() => undefined)
    this.#path = pathOf(session.sendingPath)
  }

  get state(): PeerState {
    const { state } = this.session
    return state === 'connecting' ? 'reconnecting' : state
  }

  get path(): PeerPath {
    const { sendingPath } = this.session
    if (sendingPath) this.#path = pathOf(sendingPath)
    return this.#path
  }

  get paths(): readonly PeerPath[] {
    return this.session.paths.map(pathOf)
  }

  get rttMs(): number | undefined {
    return this.path.rttMs
  }

  /** What is sent to the peer goes through nobody: only then may it be a leg of somebody's circuit. */
  get isDirect(): boolean {
    return this.session.sendingPath?.facts.isDirect ?? false
  }

  /** The application has a substream open. */
  get isInUse(): boolean {
    return this.multiplexer.substreams.some(({ type }) => !isOwnType(type))
  }

  /** How long the application has not used it, in ms: 0 while it does, infinity when it never did. */
  get idleMs(): number {
    return this.isInUse ? 0 : this.use.idleMs
  }

  /** Both ends have agreed to end this link: nothing new begins on it. */
  get isLetGo(): boolean {
    return this.#clock.monotonic() < this.#letGoUntilMs
  }

  /** The link ends in a moment, or else lives on. */
  letGo(): void {
    this.#letGoUntilMs = this.#clock.monotonic() + LETTING_GO_MS
  }

  get rpc(): Remote & BuiltInMethods {
    this.#remote ??= watchRemote(this.rpcSession.remote, this.use)
    return this.#remote as Remote & BuiltInMethods
  }

  get rpcSession(): RpcSession<BuiltInMethods> {
    if (!this.#rpc) throw new SwarmError('The peer has no rpc substream yet.', { code: 'ERR_PEER_GONE', retryable: true })
    return this.#rpc
  }

  attachRpc(session: RpcSession<BuiltInMethods>): void {
    this.#rpc = session
  }

  async openStream(type: string, { signal }: { signal?: AbortSignal } = {}): Promise<Substream> {
    if (signal?.aborted) throw abortedError(signal)
    checkStreamType(type)
    if (this.scope.isClosed || this.isLetGo) {
      throw new SwarmError('The peer is gone: call it again.', { code: 'ERR_PEER_GONE', retryable: true })
    }
    const substream = this.multiplexer.openSubstream(type)
    this.use.during(substream.closed)
    return substream
  }

  on<Name extends keyof PeerEvents>(event: Name, listener: (...facts: PeerEvents[Name]) => void): void {
    this.#events.on(event, listener)
  }

  off<Name extends keyof PeerEvents>(event: Name, listener: (...facts: PeerEvents[Name]) => void): void {
    this.#events.off(event, listener)
  }

  /** True when somebody listened. */
  emit<Name extends keyof PeerEvents>(event: Name, ...facts: PeerEvents[Name]): boolean {
    return this.#events.emit(event, ...facts)
  }
}

function pathOf(path: SessionPath | undefined): PeerPath {
  return { kind: path?.facts.kind ?? 'none', via: path?.facts.via, rttMs: path?.rttMs }
}

/** TypeError for the swarm's own types, RangeError for an empty or over-long name. */
function checkStreamType(type: string): void {
  if (isOwnType(type)) throw new TypeError(`the substream type '${type}' is the swarm's own; choose another name`)
  const typeBytes = utf8(type).byteLength
  if (typeBytes === 0 || typeBytes > STREAM_TYPE_BYTES_MAX) {
    throw new RangeError(`a substream type has 1 to ${STREAM_TYPE_BYTES_MAX} bytes`)
  }
}
