import type { Clock, PeerId } from '@resilient-swarm/contract'
import { CUSTODIES_MAX, CUSTODY_MS } from './limits.ts'
import type { TravellingSignal } from './neighbour.ts'

/** One copy that a neighbour handed us, and what we do about it. */
export interface Custody {
  readonly copy: string
  readonly from: PeerId
  readonly sinceMs: number
  /** Undefined once nothing more will be tried: the box is the large part. */
  signal: TravellingSignal | undefined
  /** Hands left for the next try. */
  ttl: number
  /** Whom it was handed to. */
  readonly tried: Set<PeerId>
  /** Who of them may still tell what became of it. */
  readonly owing: Set<PeerId>
  /** A neighbour is being asked to take it. */
  isTrying: boolean
  /** What its receiver answered. */
  proof: string | undefined
}

/** The copies of the last seconds by name; the oldest are forgotten first. */
export interface Custodies {
  get(copy: string): Custody | undefined
  add(custody: Custody): void
  readonly size: number
}

export function createCustodies(clock: Clock): Custodies {
  const kept = new Map<string, Custody>()

  function forget(): void {
    const staleMs = clock.monotonic() - CUSTODY_MS
    for (const [copy, { sinceMs }] of kept) {
      if (sinceMs > staleMs && kept.size <= CUSTODIES_MAX) break
      kept.delete(copy)
    }
  }

  return {
    get(copy) {
      forget()
      return kept.get(copy)
    },
    add(custody) {
      kept.set(custody.copy, custody)
      forget()
    },
    get size() {
      return kept.size
    },
  }
}
