import type { PeerId } from '@resilient-swarm/contract'
import { KNOWN_MAX } from './limits.ts'

/** Nodes in the order of their key texts, which is a ring: the one after the last is the first. One reference each, nothing else. */
export interface KnownRing {
  readonly size: number
  has(id: PeerId): boolean
  /** True when it is new. A full ring takes nobody. */
  add(id: PeerId): boolean
  /** True when it was there. */
  delete(id: PeerId): boolean
  /** At a place from 0 to size − 1, for drawing by chance. */
  at(index: number): PeerId | undefined
  /** The next ones behind a key, itself left out, at most so many. */
  after(id: PeerId, count: number): PeerId[]
}

export function createKnownRing(): KnownRing {
  const ids: PeerId[] = []

  /** The first place whose key is not smaller. */
  function placeOf(id: PeerId): number {
    let low = 0
    let high = ids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ids[middle] as PeerId) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    get size() {
      return ids.length
    },
    has: (id) => ids[placeOf(id)] === id,
    add(id) {
      const place = placeOf(id)
      if (ids[place] === id || ids.length >= KNOWN_MAX) return false
      ids.splice(place, 0, id)
      return true
    },
    delete(id) {
      const place = placeOf(id)
      if (ids[place] !== id) return false
      ids.splice(place, 1)
      return true
    },
    at: (index) => ids[index],
    after(id, count) {
      const place = placeOf(id)
      const start = ids[place] === id ? place + 1 : place
      const others = ids.length - (ids[place] === id ? 1 : 0)
      return Array.from({ length: Math.min(count, others) }, (_, offset) => ids[(start + offset) % ids.length] as PeerId)
    },
  }
}
