/** What a node that forwards for others allows them. */
export interface RelayLimits {
  readonly circuitsMax: number
  readonly circuitsPerPeerMax: number
  readonly circuitsPerTargetMax: number
  readonly bytesPerSecondMax: number
  readonly burstBytesMax: number
  readonly circuitDurationMsMax: number
}

/** What a node that forwards for others allows them, unless told otherwise. */
export const RELAY_LIMITS: RelayLimits = Object.freeze({
  /** Circuits through us at once, those being built included: at their full rate they are 32 MiB/s, what a good line carries. */
  circuitsMax: 32,
  /** Of these, dialled by one peer: it needs one for each peer that it cannot reach, and there are other relays. */
  circuitsPerPeerMax: 4,
  /** Of these, to one peer: two peers' worth, so that no single one can take all the places towards another. */
  circuitsPerTargetMax: 8,
  /** Bytes a second of one circuit in each direction: a video call fits, a mirror does not. `Infinity` sets no limit. */
  bytesPerSecondMax: 1024 * 1024,
  /** Bytes that one circuit may send at once beyond the rate, in each direction: eight full records, so talk is never delayed. */
  burstBytesMax: 128 * 1024,
  /** Milliseconds until a circuit has to be renewed: who forgot about it frees its place within this time. */
  circuitDurationMsMax: 600_000,
})
