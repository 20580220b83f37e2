import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createLinkGraph } from '../src/link-graph.ts'
import { hopName, type Neighbour } from '../src/neighbour.ts'
import { type HopFacts, judgeHop } from '../src/next-hop.ts'
import { createIds } from './virtual-swarm.ts'

const [self, from, to, a, b, c] = createIds(6) as [PeerId, PeerId, PeerId, PeerId, PeerId, PeerId]

const neighbour = (id: PeerId): Neighbour => ({ id, rttMs: 10, signal: async () => null, signalled: async () => null })

function judge(
  facts: { route?: readonly PeerId[]; ttl?: number; neighbours: readonly PeerId[] } & Partial<
    Pick<HopFacts, 'tried' | 'isSilent'>
  >,
) {
  const { route = [], ttl = 5, neighbours, tried = new Set(), isSilent = () => false } = facts
  const verdict = judgeHop({
    self,
    from,
    signal: { to, route: route.map(hopName), ttl },
    tried,
    neighbours: neighbours.map(neighbour),
    isSilent,
    graph: createLinkGraph({ linksOf: (id) => (id === to ? [{ key: c, rttMs: 1 }] : []) }),
  })
  if (verdict.kind !== 'hand on') return verdict
  return { next: verdict.next.id, route: verdict.route, isRepaired: verdict.isRepaired }
}

const refused = (code: string) => ({ kind: 'refuse', code })

describe('what a hop does with a signal', () => {
  it('keeps its own, whatever the ttl', () => {
    const signal = { to: self, route: [], ttl: 0 }
    const graph = createLinkGraph({ linksOf: () => [] })
    expect(judgeHop({ self, from, signal, tried: new Set(), neighbours: [], isSilent: () => false, graph })).toEqual({
      kind: 'deliver',
    })
  })

  it('hands on to the receiver itself, even when the route says otherwise', () => {
    expect(judge({ route: [a, b], neighbours: [a, b, to] })).toEqual({ next: to, route: [], isRepaired: true })
  })

  it('follows the route', () => {
    expect(judge({ route: [a, b], neighbours: [a, c] })).toEqual({ next: a, route: [hopName(b)], isRepaired: false })
  })

  it('takes the furthest hop of the route that it knows', () => {
    expect(judge({ route: [a, b], neighbours: [a, b] })).toEqual({ next: b, route: [], isRepaired: true })
  })

  it('goes its own way when the route ends at somebody who is gone', () => {
    expect(judge({ route: [a], neighbours: [b, c] })).toEqual({ next: c, route: [], isRepaired: true })
  })

  it.each([
    ['to whom it came from', { route: [from], neighbours: [from] }],
    ['to whom had it already', { route: [a], neighbours: [a], tried: new Set([a]) }],
    ['to somebody of whom nothing leads to the receiver', { neighbours: [b] }],
    ['to itself', { route: [self], neighbours: [self] }],
  ])('never hands on %s', (_, facts) => {
    expect(judge(facts)).toEqual(refused('ERR_SIGNAL_NO_ROUTE'))
  })

  it('asks who does not answer last, but asks', () => {
    const isSilent = (id: PeerId) => id === a
    expect(judge({ route: [a], neighbours: [a, c], isSilent })).toMatchObject({ next: c })
    expect(judge({ route: [a], neighbours: [a, b], isSilent })).toMatchObject({ next: a })
  })

  it('hands on nothing that went through as many hands as it may', () => {
    expect(judge({ ttl: 1, neighbours: [to] })).toMatchObject({ next: to })
    expect(judge({ ttl: 0, neighbours: [to] })).toEqual(refused('ERR_SIGNAL_TTL'))
    expect(judge({ ttl: 1, neighbours: [c] })).toEqual(refused('ERR_SIGNAL_NO_ROUTE'))
  })
})
