import type { Path, PeerId, Runtime, Substream } from '@resilient-swarm/contract'
import type { RelayLimits } from './limits.ts'

/** What a circuit may carry, as its relay announced it before a byte went over it. */
export interface CircuitLimits {
  /** In each direction; `Infinity` when the relay sets none. */
  readonly bytesPerSecond: number
  /** What may go at once beyond the rate, in each direction. */
  readonly burstBytes: number
  /** From its opening, and again from each renewal. */
  readonly durationMs: number
}

/** A path through a peer: `kind` is 'circuit', `via` the relay. Nothing about the other end is proven until a handshake ran over it. */
export interface Circuit extends Path {
  readonly kind: 'circuit'
  readonly via: PeerId
  readonly limits: CircuitLimits
  /**
   * The relay announced that the circuit ends in `untilMs` milliseconds from now (it leaves, or the time is up and was not
   * renewed): find another path, this one goes on until then. Called at once on assignment when that was announced before.
   */
  onLeaving: (untilMs: number) => void
}

/** Somebody built a circuit to us. */
export interface IncomingCircuit {
  /** As the relay says; the handshake over the circuit proves it. */
  readonly from: PeerId
  readonly circuit: Circuit
}

export interface RelayOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  /** Whether to forward for others; circuits of our own need it not. */
  readonly serve: boolean
  readonly limits?: Partial<RelayLimits>
  /** Opens a `relay` substream to a connected peer, undefined when it is not connected. */
  readonly openSubstream: (peer: PeerId) => Substream | undefined
  /** The peer is connected by a direct path right now. */
  readonly isDirect: (peer: PeerId) => boolean
  /** Policy of the application, on top of limits: may `from` have a circuit to `to` through us? */
  readonly allow?: (from: PeerId, to: PeerId) => boolean
  /** Somebody builds a circuit to us: decides cheaply, on names that nobody proved yet. */
  readonly judgeIncoming: (from: PeerId, via: PeerId) => 'accept' | 'busy' | 'refuse'
  readonly onCircuit: (incoming: IncomingCircuit) => void
}

/** Read at any time; each is what it is at that moment. */
export interface RelayCounters {
  /** Circuits that we forward, those being built included. */
  readonly circuits: number
  /** The most of them that one peer has dialled. */
  readonly circuitsByPeer: number
  /** Bytes that we hold for circuits: received from one leg and not yet given to the other. */
  readonly heldBytes: number
  /** Circuits of our own that stand: dialled, or built to us. */
  readonly ownCircuits: number
  /** Since the beginning: circuits that we opened for others, circuits that we refused to others, bytes of their messages, both ways. */
  readonly accepted: number
  readonly refused: number
  readonly bytesForwarded: number
}

export interface DialOptions {
  readonly relay: PeerId
  readonly target: PeerId
  readonly signal?: AbortSignal
}

/** All three roles of a node: it forwards for others, dials through others, and is dialled through others. */
export interface Relay {
  /** A peer opened a `relay` substream towards us. Takes it raw. */
  receive(from: PeerId, substream: Substream): void
  /** Resolves when the target took the circuit. Rejects with a SwarmError `ERR_CIRCUIT_*`, `ERR_RELAY_CLOSED` or `ERR_ABORTED`. */
  dial(options: DialOptions): Promise<Circuit>
  readonly counters: RelayCounters
  /** The peer left, or its session is no longer direct: the circuits that have it as a leg end. */
  dropPeer(peer: PeerId): void
  /** Takes no more circuits, announces leaving to those that we forward; resolves when they are gone, or ended after the grace time. */
  drain(graceMs?: number): Promise<void>
  /** Ends every circuit, those of others and our own. Idempotent. */
  close(): Promise<void>
}
