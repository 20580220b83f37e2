import { type Clock, createKeyedRate, type PeerId, type Rate } from '@resilient-swarm/contract'
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

function createRates(clock: Clock, rate: Rate): (id: PeerId) => boolean {
  const rates = createKeyedRate<PeerId>({ rate, keysMax: FORWARDERS_RATED_MAX })
  return (id) => rates.take(id, clock.monotonic())
}
