import type { PeerId } from '@resilient-swarm/contract'
import { HOP_NAME_CHARS } from './limits.ts'

/** A copy of a sealed signal on its way, as one neighbour hands it to the next. */
export interface TravellingSignal {
  readonly to: PeerId
  readonly id: string
  /** The sealed box in base64url. */
  readonly box: string
  /** Names of the hops behind the next one, without the receiver. A suggestion. */
  readonly route: readonly string[]
  /** Hands that it may still go through once the next one has it. */
  readonly ttl: number
  /** Which repetition by its source this is, from 0. */
  readonly round: number
}

/** A connected peer as signals see it. */
export interface Neighbour {
  readonly id: PeerId
  readonly rttMs: number | undefined
  /** The rpc method `signal`: resolves to null when it took the signal, to the proof when it is for itself; rejects when it refuses. */
  signal(signal: TravellingSignal, options: { readonly timeoutMs: number }): Promise<unknown>
  /** The rpc method `signalled`: what became of a copy that this neighbour handed us; null: we could not bring it further. */
  signalled(copy: string, proof: string | null): Promise<unknown>
}

const HOP_NAME_OFFSET = 3 // behind `rs1`

/** The name of a hop in a route: a piece of its key's text, which whoever hands on looks for among its own neighbours. */
export function hopName(id: PeerId): string {
  return id.slice(HOP_NAME_OFFSET, HOP_NAME_OFFSET + HOP_NAME_CHARS)
}
