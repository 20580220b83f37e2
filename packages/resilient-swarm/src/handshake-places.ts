import type { PeerId } from '@resilient-swarm/contract'
import { HANDSHAKES_PENDING_MAX, HANDSHAKES_PENDING_PER_KEY_MAX } from './limits.ts'

/** Who is being let in right now, by whichever way they came: offers, circuits, paths that a transport accepted. */
export interface HandshakePlaces {
  readonly taken: number
  /** Whether this peer may come in now; `unknown` before its key is proven. */
  room(from: PeerId | 'unknown'): 'free' | 'too many of this key' | 'full'
  /** Takes a place; the returned function gives it back, once. */
  take(from: PeerId | 'unknown'): () => void
}

export function createHandshakePlaces(): HandshakePlaces {
  const takenBy = new Map<PeerId | 'unknown', number>()
  let taken = 0
  const change = (from: PeerId | 'unknown', by: 1 | -1) => {
    const own = (takenBy.get(from) ?? 0) + by
    taken += by
    if (own > 0) takenBy.set(from, own)
    else takenBy.delete(from)
  }
  return {
    get taken() {
      return taken
    },
    room(from) {
      // Strangers who have not said who they are share half of all places, so that they never keep out those who have.
      const ownMax = from === 'unknown' ? HANDSHAKES_PENDING_MAX / 2 : HANDSHAKES_PENDING_PER_KEY_MAX
      if ((takenBy.get(from) ?? 0) >= ownMax) return 'too many of this key'
      return taken >= HANDSHAKES_PENDING_MAX ? 'full' : 'free'
    },
    take(from) {
      change(from, 1)
      let isTaken = true
      return () => {
        if (isTaken) change(from, -1)
        isTaken = false
      }
    },
  }
}
