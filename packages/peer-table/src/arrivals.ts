import type { PeerId } from '@resilient-swarm/contract'

const NOBODY: ReadonlySet<PeerId> = new Set()
/** Stale places that a stack may carry beside its live ones before they are taken out. */
const SLACK = 16

interface Arrival {
  /** Undefined: ourselves, and what our own database knew. */
  introducer: PeerId | undefined
  readonly number: number
}

interface Place {
  readonly id: PeerId
  readonly number: number
}

/**
 * Who told us of whom, and who came last. Who must go in a full table is decided by that and not by what a record says of itself:
 * whoever floods the table displaces the flood, never who was there before it.
 */
export class Arrivals {
  readonly #arrivals = new Map<PeerId, Arrival>()
  readonly #introduced = new Map<PeerId, Set<PeerId>>()
  #hearsay: Place[] = []
  #direct: Place[] = []
  #numbers = 0

  /** Those of the table whom this peer introduced, itself not counted. */
  introducedBy(peer: PeerId): ReadonlySet<PeerId> {
    return this.#introduced.get(peer) ?? NOBODY
  }

  /** The first word counts, until the peer speaks for itself: then it owes its place to nobody. Returns whose it is. */
  note(id: PeerId, introducer: PeerId | undefined): PeerId | undefined {
    const known = this.#arrivals.get(id)
    if (known && (introducer !== id || known.introducer === id)) return known.introducer
    if (known) this.#disown(id, known.introducer)
    const arrival: Arrival = { introducer, number: known?.number ?? ++this.#numbers }
    this.#arrivals.set(id, arrival)
    if (introducer === id) this.#direct = this.#pushed(this.#direct, { id, number: arrival.number })
    else {
      this.#hearsay = this.#pushed(this.#hearsay, { id, number: arrival.number })
      if (introducer !== undefined) this.#own(id, introducer)
    }
    return introducer
  }

  remove(id: PeerId): void {
    this.#disown(id, this.#arrivals.get(id)?.introducer)
    this.#arrivals.delete(id)
  }

  /** The last one that others told us of. */
  lastHearsay(except: PeerId): PeerId | undefined {
    return this.#last(this.#hearsay, (id) => id === except)
  }

  /** The last one that told us of itself, but for those to be spared. */
  lastDirect(isSpared: (id: PeerId) => boolean): PeerId | undefined {
    return this.#last(this.#direct, isSpared)
  }

  #last(stack: Place[], isSpared: (id: PeerId) => boolean): PeerId | undefined {
    for (let at = stack.length - 1; at >= 0; at--) {
      const place = stack[at] as Place
      if (!this.#isCurrent(stack, place)) {
        if (at === stack.length - 1) stack.pop()
      } else if (!isSpared(place.id)) return place.id
    }
    return undefined
  }

  #pushed(stack: Place[], place: Place): Place[] {
    const kept = stack.length > 2 * this.#arrivals.size + SLACK ? stack.filter((one) => this.#isCurrent(stack, one)) : stack
    kept.push(place)
    return kept
  }

  #isCurrent(stack: Place[], { id, number }: Place): boolean {
    const arrival = this.#arrivals.get(id)
    return arrival?.number === number && (arrival.introducer === id) === (stack === this.#direct)
  }

  #own(id: PeerId, introducer: PeerId): void {
    const ids = this.#introduced.get(introducer)
    if (ids) ids.add(id)
    else this.#introduced.set(introducer, new Set([id]))
  }

  #disown(id: PeerId, introducer: PeerId | undefined): void {
    if (introducer === undefined) return
    const ids = this.#introduced.get(introducer)
    ids?.delete(id)
    if (ids?.size === 0) this.#introduced.delete(introducer)
  }
}
