import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { chooseRoute } from '../src/choose-route.ts'
import { ROUTE_LINKS_MAX, ROUTE_LINKS_STRANGER_MAX } from '../src/limits.ts'
import { createLinkGraph, type GraphLink } from '../src/link-graph.ts'
import { createIds } from './virtual-swarm.ts'

const ids = createIds(20)
const [self, a, b, c, d, target] = ids as [PeerId, PeerId, PeerId, PeerId, PeerId, PeerId]

/** A graph whose links are told by both ends, or with `>` by the first alone. */
function graphOf(links: readonly (readonly [PeerId, PeerId, number, '>'?])[]) {
  const records = new Map<PeerId, GraphLink[]>()
  const tell = (one: PeerId, other: PeerId, rttMs: number) =>
    records.set(one, [...(records.get(one) ?? []), { key: other, rttMs }])
  for (const [one, other, rttMs, isClaimed] of links) {
    tell(one, other, rttMs)
    if (!isClaimed) tell(other, one, rttMs)
  }
  return createLinkGraph({ linksOf: (id) => records.get(id) ?? [] })
}

const near = (...neighbours: PeerId[]) => neighbours.map((id) => ({ id, rttMs: 10 }))
const question = { self, target, avoid: () => false, hopsMax: 16 }

describe('a route', () => {
  it('to a neighbour is the neighbour', () => {
    expect(chooseRoute({ ...question, graph: graphOf([]), neighbours: near(a, target) })).toEqual({ hops: [target], rttMs: 10 })
  })

  it('prefers few hops, and of those with as few the near ones', () => {
    const graph = graphOf([
      [a, target, 200],
      [b, target, 90],
      [c, d, 1],
      [d, target, 1],
    ])
    expect(chooseRoute({ ...question, graph, neighbours: near(a, b, c) })).toEqual({ hops: [b, target], rttMs: 100 })
  })

  it.each([
    ['the hop before it', [[a, target, 5, '>']]],
    ['the target', [[target, a, 5, '>']]],
  ] as const)('is found when only %s tells of their link', (_, links) => {
    expect(chooseRoute({ ...question, graph: graphOf(links), neighbours: near(a) })?.hops).toEqual([a, target])
  })

  it('by a link that both ends tell of comes before one that mallory claims, however near she says she is', () => {
    const mallory = a
    const graph = graphOf([
      [mallory, target, 0.1, '>'],
      [b, target, 100],
    ])
    expect(chooseRoute({ ...question, graph, neighbours: near(mallory, b) })?.hops).toEqual([b, target])
  })

  it('goes round whom it shall avoid, and is none where there is no other', () => {
    const graph = graphOf([
      [a, target, 1],
      [b, c, 1],
      [c, target, 1],
    ])
    const avoiding = (...avoided: PeerId[]) =>
      chooseRoute({ ...question, graph, neighbours: near(a, b), avoid: (id) => avoided.includes(id) })?.hops
    expect(avoiding(a)).toEqual([b, c, target])
    expect(avoiding(a, c)).toBeUndefined()
    expect(avoiding(target)).toEqual([a, target])
  })

  it('never leads through the one who looks for it', () => {
    const graph = graphOf([
      [a, self, 1],
      [self, target, 1],
    ])
    expect(chooseRoute({ ...question, graph, neighbours: near(a) })).toBeUndefined()
  })

  it('has as many hops as may be, and no more', () => {
    const line = ids.slice(1, 18)
    const last = line[16] as PeerId
    const graph = graphOf(line.slice(1).map((id, index) => [line[index] as PeerId, id, 10] as const))
    const route = (hopsMax: number) =>
      chooseRoute({ ...question, target: last, graph, neighbours: near(line[0] as PeerId), hopsMax })
    expect(route(17)?.hops).toEqual(line)
    expect(route(16)).toBeUndefined()
  })

  it.each([
    ['one who tells of no links', 0, ROUTE_LINKS_STRANGER_MAX],
    ['one who tells of some', 64, ROUTE_LINKS_MAX],
  ])('for %s looks at so many links at the most, however many records there are', (_, told, max) => {
    let looked = 0
    const linksOf = (id: PeerId) => {
      const links = Array.from({ length: id === target ? told : 64 }, (_, index) => ({
        key: `${id}/${index}` as PeerId,
        rttMs: 1,
      }))
      return Object.assign(links, {
        *[Symbol.iterator]() {
          for (let index = 0; index < links.length; index++) {
            looked++
            yield links[index] as GraphLink
          }
        },
      })
    }
    expect(chooseRoute({ ...question, graph: createLinkGraph({ linksOf }), neighbours: near(a) })).toBeUndefined()
    expect(looked).toBeGreaterThan(max)
    expect(looked).toBeLessThanOrEqual(max + question.hopsMax) // one more ends a layer
  })
})
