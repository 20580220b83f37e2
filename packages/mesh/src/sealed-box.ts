import type { PeerId } from '@resilient-swarm/contract'

/** One sealed signal: who it is for, its id for de-duplication, and the box that only they open. */
export interface SealedBox {
  readonly to: PeerId
  readonly id: string
  readonly box: Uint8Array
}

/** A sealed signal at its source, who alone knows what the acknowledgement of its receiver will be; see `proveDelivery`. */
export interface OwnSignal extends SealedBox {
  readonly proof: string
}

/** A way for sealed boxes: resolves when it took one, rejects with a SwarmError. */
export type SignalRoute = (box: SealedBox) => Promise<void>
