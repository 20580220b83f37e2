import type { PeerId, Runtime, SwarmError } from '@resilient-swarm/contract'

export interface HomeOptions {
  /** Node only; a TypeError elsewhere. */
  readonly folder: string | undefined
  /** What the user gave; then no other is read or written. */
  readonly seed: Uint8Array | undefined
  readonly network: string
  readonly runtime: Runtime
}

/** Where a node keeps what its next life is to know. */
export interface Home {
  /** The user's, or that of an earlier life, or a new one that lasts; undefined where none does. */
  readonly seed: Uint8Array | undefined
  /** Where the peer table lasts, if it is in a folder. */
  readonly tableFolder: string | undefined
  /** The place works, but not as it should: what the user must hear. */
  readonly trouble: SwarmError | undefined
  /** What an earlier life of this key kept. Rejects with what the platform says. */
  recall(id: PeerId): Promise<string | undefined>
  keep(id: PeerId, text: string): Promise<void>
  /** Somebody else may live here now; idempotent. */
  leave(): void
}

/** A home of a node that ends with its process. */
export function homeless(seed: Uint8Array | undefined): Home {
  return { seed, tableFolder: undefined, trouble: undefined, recall: async () => undefined, async keep() {}, leave() {} }
}
