import type { Channel, Closable } from './channel.ts'
import type { Runtime } from './runtime.ts'

/** A peer's address text, `rs1…`; only `parsePeerId` and a key pair make one. */
export type PeerId = string & { readonly __brand: 'PeerId' }

/**
 * One way to a peer. `binding` is what both ends know to be true of this very path (for WebRTC both DTLS fingerprints);
 * it goes into the handshake, so a path that somebody spliced never proves a key.
 */
export interface Path {
  readonly channel: Channel
  readonly kind: string
  readonly binding: Uint8Array
  readonly via?: PeerId
}

/** What travels sealed between the two ends of one attempt. */
export type AttemptSignal =
  | { readonly kind: 'offer'; readonly sdp: string; readonly candidates: readonly IceCandidate[] }
  | { readonly kind: 'answer'; readonly sdp: string; readonly candidates: readonly IceCandidate[] }
  | { readonly kind: 'candidates'; readonly candidates: readonly IceCandidate[] }
  | { readonly kind: 'refuse'; readonly code: number }

/** A trickled ICE candidate (RFC 8838), as RTCPeerConnection takes it. */
export interface IceCandidate {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
}

/** Carries one attempt's signals to and from one peer, sealed, by every route there is. */
export interface SignalLine {
  readonly attempt: string
  /** Resolves when one route took it; rejects with a SwarmError when none did. */
  send(signal: AttemptSignal): Promise<void>
  /** What the other end of the attempt sent; what came before the assignment is delivered on it. */
  onSignal: (signal: AttemptSignal) => void
}

/** What a transport needs for one attempt of its own. */
export interface DialContext {
  readonly runtime: Runtime
  readonly signals: SignalLine
  /** Ends the dial: the transport cleans up and rejects with ERR_ABORTED. */
  readonly signal: AbortSignal
  /** True while nobody but the swarm itself wishes for the path: dials that somebody waits for go first. Left out: false. */
  readonly isBackground?: () => boolean
}

/** A peer's attempt that was opened, checked and admitted, and now wants an answer. */
export interface IncomingAttempt {
  readonly from: PeerId
  readonly signals: SignalLine
  readonly signal: AbortSignal
}

/** What a transport needs to be reached. */
export interface ListenContext {
  readonly runtime: Runtime
  /** For transports that meet by signals: registers who answers offers. */
  onAttempt(answer: (attempt: IncomingAttempt) => Promise<Path>): void
  /** For transports that are dialled without signals: hands over a path whose peer is not known before its handshake. */
  accept(path: Path): void
}

/** A way to make paths; `webrtc()` is the one that ships. */
export interface Transport {
  readonly name: string
  dial(target: PeerId, context: DialContext): Promise<Path>
  listen(context: ListenContext): Closable
}
