import { type Bucket, type Clock, fullBucket, type PeerId, type Rate, takeToken } from '@resilient-swarm/contract'
import {
  FORWARDERS_RATED_MAX,
  FORWARDS_BURST,
  FORWARDS_HELD_PER_NEIGHBOUR_MAX,
  FORWARDS_OUT_BURST,
  FORWARDS_OUT_PER_SECOND,
  FORWARDS_PER_SECOND,
  NO_ROUTE_SIGNALS,
} from './limits.ts'

/** What each neighbour may still make us do. */
export interface NeighbourBudgets {
  /** One signal comes in from this neighbour; false: too many. */
  takeIn(id: PeerId): boolean
  /** A signal of this neighbour led nowhere: it counts for several. */
  fine(id: PeerId): void
  /** One signal of somebody else goes out to this neighbour; false: too many. */
  takeOut(id: PeerId): boolean
  /** A place to hold a signal of this neighbour; undefined: it has all of its places. Returns how to give it back, once. */
  hold(id: PeerId): (() => void) | undefined
}

export function createNeighbourBudgets(clock: Clock): NeighbourBudgets {
  const incoming = createRates(clock, { perSecond: FORWARDS_PER_SECOND, burst: FORWARDS_BURST })
  const outgoing = createRates(clock, { perSecond: FORWARDS_OUT_PER_SECOND, burst: FORWARDS_OUT_BURST })
  const held = new Map<PeerId, number>()

  return {
    takeIn: incoming,
    takeOut: outgoing,
    fine(id) {
      for (let count = 1; count < NO_ROUTE_SIGNALS; count++) incoming(id)
    },
    hold(id) {
      const count = held.get(id) ?? 0
      if (count >= FORWARDS_HELD_PER_NEIGHBOUR_MAX) return undefined
      held.set(id, count + 1)
      return () => {
        const rest = (held.get(id) ?? 1) - 1
        if (rest > 0) held.set(id, rest)
        else held.delete(id)
      }
    },
  }
}

/** One bucket a peer; who was not heard of for longest is forgotten first. */
function createRates(clock: Clock, rate: Rate): (id: PeerId) => boolean {
  const buckets = new Map<PeerId, Bucket>()
  return (id) => {
    const nowMs = clock.monotonic()
    const { allowed, bucket } = takeToken(buckets.get(id) ?? fullBucket(rate, nowMs), rate, nowMs)
    buckets.delete(id)
    buckets.set(id, bucket)
    if (buckets.size > FORWARDERS_RATED_MAX) buckets.delete(buckets.keys().next().value as PeerId)
    return allowed
  }
}
