import type { PeerId } from '@resilient-swarm/contract'

/** One sealed signal on its way: who it is for, its id for de-duplication, and the box that only they open. */
export interface SealedBox {
  readonly to: PeerId
  readonly id: string
  readonly box: Uint8Array
}

/** A way for sealed boxes: resolves when it took one, rejects with a SwarmError. */
export type SignalRoute = (box: SealedBox) => Promise<void>
