import type { PeerId } from '@resilient-swarm/contract'
import { HANDSHAKES_PENDING_MAX, HANDSHAKES_PENDING_PER_KEY_MAX } from './limits.ts'

/**
 * Who answers for somebody that comes in: their own key, when a sealed offer told it; the relay that brings them, whose word for
 * their key is worth nothing; nobody (`unknown`) for a path that a transport accepted.
 */
export type Comer = PeerId | `by relay ${PeerId}` | 'unknown'

/** Who is being let in right now, by whichever way they came: offers, circuits, paths that a transport accepted. */
export interface HandshakePlaces {
  readonly taken: number
  /** Whether this one may come in now. */
  room(comer: Comer): 'free' | 'too many of this key' | 'full'
  /** Takes a place; the returned function gives it back, once. */
  take(comer: Comer): () => void
}

export const byRelay = (relay: PeerId): Comer => `by relay ${relay}`

export function createHandshakePlaces(): HandshakePlaces {
  const takenBy = new Map<Comer, number>()
  const takenOf = { named: 0, nameless: 0 }
  const taken = () => takenOf.named + takenOf.nameless
  const change = (comer: Comer, by: 1 | -1) => {
    const own = (takenBy.get(comer) ?? 0) + by
    takenOf[isNamed(comer) ? 'named' : 'nameless'] += by
    if (own > 0) takenBy.set(comer, own)
    else takenBy.delete(comer)
  }
  return {
    get taken() {
      return taken()
    },
    room(comer) {
      // Those who have not said who they are share half of all places, so that they never keep out those who have.
      if (!isNamed(comer) && takenOf.nameless >= HANDSHAKES_PENDING_MAX / 2) return 'too many of this key'
      if (comer !== 'unknown' && (takenBy.get(comer) ?? 0) >= HANDSHAKES_PENDING_PER_KEY_MAX) return 'too many of this key'
      return taken() >= HANDSHAKES_PENDING_MAX ? 'full' : 'free'
    },
    take(comer) {
      change(comer, 1)
      let isTaken = true
      return () => {
        if (isTaken) change(comer, -1)
        isTaken = false
      }
    },
  }
}

function isNamed(comer: Comer): boolean {
  return comer !== 'unknown' && !comer.startsWith('by relay ')
}
