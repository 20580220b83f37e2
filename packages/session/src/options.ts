import type { Channel, CloseReason, PeerId, Runtime, SwarmError } from '@resilient-swarm/contract'
import type { Hello } from './hello.ts'
import type { SessionLimits } from './limits.ts'

export interface SessionOptions {
  readonly runtime: Runtime
  /** What tests and small devices set lower; both ends of a session must agree. */
  readonly limits?: Partial<SessionLimits>
}

/** What is known of a path besides its channel. */
export interface PathFacts {
  readonly kind: string
  readonly via?: PeerId
  readonly isDirect: boolean
}

/** A channel that leads to the peer, and its facts. */
export interface AddPathOptions {
  /** To the peer whose key is proven; taken over, and ended with the path. A RangeError when its messages are too short. */
  readonly channel: Channel
  readonly facts: PathFacts
  readonly signal?: AbortSignal
}

export interface AcceptPathOptions {
  readonly channel: Channel
  readonly facts: PathFacts
  /** What `readHello` read from this channel. */
  readonly hello: Hello
}

/** `connecting` before the first path, `reconnecting` while there is none any more. */
export type SessionState = 'connecting' | 'connected' | 'reconnecting' | 'ended'

/** One channel to a peer over whichever of its paths works: what was sent arrives once and in order while they come and go. */
export interface Session extends Channel {
  /** Names this session to the peer: 16 random bytes. */
  readonly tag: Uint8Array
  readonly peerTag: Uint8Array | undefined
  readonly state: SessionState
  /** Accepted and alive. */
  readonly paths: readonly SessionPath[]
  readonly sendingPath: SessionPath | undefined
  /** Bytes that were sent and that the peer has not acknowledged, each message with some 64 for keeping it. */
  readonly keptBytes: number
  /**
   * A path that we dialled: sends HELLO, resolves when the peer's HELLO has accepted it. Rejects, and the channel has ended, with
   * ERR_PATH_REFUSED, ERR_PATH_LOST, ERR_HELLO_TIMEOUT, ERR_SESSION_UNKNOWN, ERR_SESSION_PROTOCOL or ERR_ABORTED.
   */
  addPath(options: AddPathOptions): Promise<SessionPath>
  /** A path that the peer dialled, whose HELLO fits (a RangeError else). Throws ERR_PATH_REFUSED when there are too many or the session has ended. */
  acceptPath(options: AcceptPathOptions): SessionPath
  onState: (state: SessionState) => void
  onPath: (event: SessionPathEvent) => void
  /** The application uses the peer now, so backups are probed closely. True by itself for 10 s after DATA. */
  setInUse(inUse: boolean): void
  /** The peer is gone for good: ends now rather than after the reconnect time. */
  giveUp(error: SwarmError): void
}

/** What happened to a path; `told` says it in words for people. */
export interface SessionPathEvent {
  readonly kind: 'added' | 'sending' | 'suspected' | 'recovered' | 'lost' | 'drained'
  readonly path: SessionPath
  /** Where DATA was sent before, with `sending`. */
  readonly previous?: SessionPath
  readonly error?: SwarmError
  readonly told: string
}

export interface SessionPath {
  readonly facts: PathFacts
  /** The median of the last seconds, or else smoothed; undefined until it was measured. */
  readonly rttMs: number | undefined
  readonly isSuspected: boolean
  /** How its channel ended; never rejects. */
  readonly closed: Promise<CloseReason>
  /** Asks the peer to send nothing more on it, and closes it when nothing of ours is under way on it, or after 5 s. */
  retire(): void
  /** Closes it now; what was under way on it goes by another path. */
  close(): void
}
