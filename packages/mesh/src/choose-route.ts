import type { PeerId } from '@resilient-swarm/contract'
import {
  ROUTE_CLAIMED_COST_MS,
  ROUTE_HOP_COST_MS,
  ROUTE_LINKS_MAX,
  ROUTE_LINKS_STRANGER_MAX,
  ROUTE_RTT_MS_DEFAULT,
} from './limits.ts'
import type { GraphLink, LinkGraph } from './link-graph.ts'

export interface RouteQuestion {
  readonly self: PeerId
  readonly target: PeerId
  readonly graph: LinkGraph
  /** Whom we can hand something to right now. */
  readonly neighbours: readonly { readonly id: PeerId; readonly rttMs: number | undefined }[]
  /** No hop of the route. */
  readonly avoid: (id: PeerId) => boolean
  readonly hopsMax: number
}

export interface Route {
  /** From the first hop to the target. */
  readonly hops: readonly PeerId[]
  /** Predicted, there and back. */
  readonly rttMs: number
}

interface Reached {
  readonly costMs: number
  readonly rttMs: number
  /** The node before it on its side of the search. */
  readonly before: PeerId | undefined
  readonly depth: number
}

type Side = Map<PeerId, Reached>

/**
 * A short route to the target over the links that records tell of, near hops before far ones. It is looked for from both ends at once,
 * layer by layer, which visits a few hundred nodes where a search from one end visits all of them.
 */
export function chooseRoute(question: RouteQuestion): Route | undefined {
  const { self, target, graph, neighbours, avoid, hopsMax } = question
  const ours: Side = new Map()
  for (const { id, rttMs } of neighbours) {
    if (id === target) return { hops: [target], rttMs: rttMs ?? ROUTE_RTT_MS_DEFAULT }
    if (id === self || avoid(id)) continue
    const firstMs = rttMs ?? ROUTE_RTT_MS_DEFAULT
    ours.set(id, { costMs: firstMs + ROUTE_HOP_COST_MS, rttMs: firstMs, before: undefined, depth: 1 })
  }
  const theirs: Side = new Map([[target, { costMs: 0, rttMs: 0, before: undefined, depth: 0 }]])
  // Of one that tells of no links somebody near may know, or nobody.
  let linksLeft = graph.neighbours(target).length > 0 ? ROUTE_LINKS_MAX : ROUTE_LINKS_STRANGER_MAX
  let [ourEdge, theirEdge]: [PeerId[], PeerId[]] = [[...ours.keys()], [target]]

  /** One layer further from the nodes at the edge; returns the new edge. */
  function widen(edge: readonly PeerId[], side: Side): PeerId[] {
    const next = new Set<PeerId>()
    for (const id of edge) {
      const from = side.get(id) as Reached
      for (const link of graph.neighbours(id)) {
        if (--linksLeft < 0) return [...next]
        const known = side.get(link.key)
        // Most links of a wide search lead back to where it was: they must cost next to nothing.
        if (known && (known.depth !== from.depth + 1 || known.costMs <= leastCostMs(from, link))) continue
        if (link.key === self || (link.key !== target && avoid(link.key))) continue
        const step = reach(graph, { from, id, link })
        if (known && known.costMs <= step.costMs) continue
        side.set(link.key, step)
        next.add(link.key)
      }
    }
    return [...next]
  }

  let met = bestMeeting({ edge: ourEdge, ours, theirs, hopsMax })
  for (let layers = 1; !met && layers < hopsMax && ourEdge.length + theirEdge.length > 0; layers++) {
    const isTheirTurn = ourEdge.length === 0 || (theirEdge.length > 0 && theirEdge.length <= ourEdge.length)
    if (isTheirTurn) theirEdge = widen(theirEdge, theirs)
    else ourEdge = widen(ourEdge, ours)
    met = bestMeeting({ edge: isTheirTurn ? theirEdge : ourEdge, ours, theirs, hopsMax })
  }
  return met && { hops: joinHops(met, ours, theirs), rttMs: rttThrough(met, ours, theirs) }
}

function reach(graph: LinkGraph, { from, id, link }: { from: Reached; id: PeerId; link: GraphLink }): Reached {
  const isMutual = graph.neighbours(link.key).some(({ key }) => key === id)
  const costMs = leastCostMs(from, link) + (isMutual ? 0 : ROUTE_CLAIMED_COST_MS)
  return { costMs, rttMs: from.rttMs + roundTripMs(link), before: id, depth: from.depth + 1 }
}

/** What it costs to get there by a link that both ends tell of. */
function leastCostMs(from: Reached, link: GraphLink): number {
  return from.costMs + roundTripMs(link) + ROUTE_HOP_COST_MS
}

function roundTripMs({ rttMs }: GraphLink): number {
  return rttMs === 0 ? ROUTE_RTT_MS_DEFAULT : rttMs
}

function bestMeeting({ edge, ours, theirs, hopsMax }: { edge: readonly PeerId[]; ours: Side; theirs: Side; hopsMax: number }) {
  let best: { readonly id: PeerId; readonly costMs: number } | undefined
  for (const id of edge) {
    const [here, there] = [ours.get(id), theirs.get(id)]
    if (!here || !there || here.depth + there.depth > hopsMax) continue
    const costMs = here.costMs + there.costMs
    if (!best || costMs < best.costMs) best = { id, costMs }
  }
  return best?.id
}

function joinHops(met: PeerId, ours: Side, theirs: Side): PeerId[] {
  const hops: PeerId[] = []
  for (let id: PeerId | undefined = met; id; id = ours.get(id)?.before) hops.unshift(id)
  for (let id = theirs.get(met)?.before; id; id = theirs.get(id)?.before) hops.push(id)
  return hops
}

function rttThrough(met: PeerId, ours: Side, theirs: Side): number {
  return (ours.get(met)?.rttMs ?? 0) + (theirs.get(met)?.rttMs ?? 0)
}
