import type { PeerId } from '@resilient-swarm/contract'
import { chooseRoute } from './choose-route.ts'
import type { LinkGraph } from './link-graph.ts'
import { hopName, type Neighbour, type TravellingSignal } from './neighbour.ts'

export interface HopFacts {
  readonly self: PeerId
  /** Who handed it to us. */
  readonly from: PeerId
  readonly signal: Pick<TravellingSignal, 'to' | 'route' | 'ttl'>
  /** Whom we handed it to already, in vain. */
  readonly tried: ReadonlySet<PeerId>
  readonly neighbours: readonly Neighbour[]
  /** Said of a neighbour that did not answer lately: it is used when there is no other. */
  readonly isSilent: (id: PeerId) => boolean
  readonly graph: LinkGraph
}

export type HopVerdict =
  | { readonly kind: 'deliver' }
  | { readonly kind: 'hand on'; readonly next: Neighbour; readonly route: readonly string[]; readonly isRepaired: boolean }
  | { readonly kind: 'refuse'; readonly code: 'ERR_SIGNAL_TTL' | 'ERR_SIGNAL_NO_ROUTE' }

/**
 * What a node does with a signal: its own it keeps; else the receiver itself comes first, then the furthest hop of the
 * suggested route that is a neighbour, then a route of our own. Never back to where it came from, and never to one who had it.
 */
export function judgeHop(facts: HopFacts): HopVerdict {
  const { self, from, signal, tried, neighbours, isSilent } = facts
  if (signal.to === self) return { kind: 'deliver' }
  if (signal.ttl < 1) return { kind: 'refuse', code: 'ERR_SIGNAL_TTL' }
  const usable = neighbours.filter(({ id }) => id !== from && id !== self && !tried.has(id))
  const answering = usable.filter(({ id }) => !isSilent(id))
  return choose(facts, answering) ?? choose(facts, usable) ?? { kind: 'refuse', code: 'ERR_SIGNAL_NO_ROUTE' }
}

function choose({ self, from, signal, tried, graph }: HopFacts, usable: readonly Neighbour[]): HopVerdict | undefined {
  const { to, route, ttl } = signal
  const receiver = usable.find(({ id }) => id === to)
  if (receiver) return { kind: 'hand on', next: receiver, route: [], isRepaired: route.length > 0 }
  const names = new Map(usable.map((neighbour) => [hopName(neighbour.id), neighbour]))
  for (let hop = route.length - 1; hop >= 0; hop--) {
    const next = names.get(route[hop] as string)
    if (next) return { kind: 'hand on', next, route: route.slice(hop + 1), isRepaired: hop > 0 }
  }
  const avoid = (id: PeerId) => id === from || tried.has(id)
  const own = chooseRoute({ self, target: to, graph, neighbours: usable, avoid, hopsMax: ttl })
  const next = own && usable.find(({ id }) => id === own.hops[0])
  return next && { kind: 'hand on', next, route: own.hops.slice(1, -1).map(hopName), isRepaired: true }
}
