import type { PeerId } from '@resilient-swarm/contract'
import { INTRODUCED_RECORDS_MAX, TABLE_RECORDS_MAX } from './limits.ts'
import type { PeerIndex } from './peer-index.ts'

/** A peer that the table does not know, and who brings it. */
export interface Newcomer {
  /** Undefined: somebody, but not the introducer. */
  readonly id: PeerId | undefined
  readonly introducer: PeerId | undefined
}

export interface RoomOptions {
  readonly own: PeerId
  readonly nowMs: number
  /** Whether we replicate with a peer right now; its word is worth more than that of who was here once. */
  readonly isConnected: (id: PeerId) => boolean
}

/** Room for one more, with who must go for it; or why there is none. */
export type Room = { readonly evicted?: PeerId } | 'quota' | 'full'

/**
 * An introducer whose quota is used up gives the place of one of its own that ended. In a full table goes one that ended; for a
 * peer that tells of itself then the last that others told us of, then the last of those that told of themselves and went.
 */
export function findRoom(index: PeerIndex, { id, introducer }: Newcomer, options: RoomOptions): Room {
  const { own, nowMs, isConnected } = options
  const isDirect = id !== undefined && (introducer === id || id === own)
  if (introducer !== undefined && !isDirect) {
    if (index.introducedBy(introducer).size >= INTRODUCED_RECORDS_MAX) {
      const evicted = index.findEndedOf(introducer, own, nowMs)
      return evicted === undefined ? 'quota' : { evicted }
    }
  }
  if (index.size < TABLE_RECORDS_MAX) return {}
  const evicted =
    index.findEnded(own, nowMs) ??
    (isDirect ? (index.lastHearsay(own) ?? index.lastDirect((one) => one === own || isConnected(one))) : undefined)
  return evicted === undefined ? 'full' : { evicted }
}
