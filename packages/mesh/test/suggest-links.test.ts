import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { NEARER_MS_MIN, SUGGESTERS_MAX } from '../src/limits.ts'
import { createLinkGraph } from '../src/link-graph.ts'
import { chooseHelpful, isClearlyNearer, suggestLinks } from '../src/suggest-links.ts'

const named = (name: string | number) => `rs1${name}` as PeerId
const [bob, carol, dave, erin] = ['bob', 'carol', 'dave', 'erin'].map(named) as [PeerId, PeerId, PeerId, PeerId]

describe('whom neighbours suggest', () => {
  const links = new Map([
    [
      bob,
      [
        { key: dave, rttMs: 5 },
        { key: erin, rttMs: 40 },
        { key: named('unmeasured'), rttMs: 0 },
      ],
    ],
    [
      carol,
      [
        { key: dave, rttMs: 1 },
        { key: erin, rttMs: 2 },
        { key: named('resting'), rttMs: 1 },
      ],
    ],
  ])
  const options = {
    graph: createLinkGraph({ linksOf: (id) => links.get(id) ?? [] }),
    isRelay: (id: PeerId) => id === erin,
    mayDial: (id: PeerId) => id !== named('resting'),
  }

  it('the nearest first, by the best neighbour of both, and nobody who rests', () => {
    const neighbours = [
      { id: bob, rttMs: 3 },
      { id: carol, rttMs: 20 },
      { id: named('far'), rttMs: undefined },
    ]
    const suggestions = suggestLinks({ ...options, neighbours })
    expect(suggestions).toEqual([
      { id: dave, predictedRttMs: 8, isRelay: false },
      { id: erin, predictedRttMs: 22, isRelay: true },
    ])
    expect(chooseHelpful(suggestions)?.id).toBe(erin)
    expect(chooseHelpful(suggestions.slice(0, 1))?.id).toBe(dave)
    expect(chooseHelpful([])).toBe(undefined)
  })

  it('only the nearest neighbours are read', () => {
    const nearer = (count: number) => Array.from({ length: count }, (_, index) => ({ id: named(index), rttMs: 1 }))
    const farthest = { id: bob, rttMs: 3 }
    expect(suggestLinks({ ...options, neighbours: [farthest, ...nearer(SUGGESTERS_MAX - 1)] })).toHaveLength(2)
    expect(suggestLinks({ ...options, neighbours: [farthest, ...nearer(SUGGESTERS_MAX)] })).toEqual([])
  })
})

describe('clearly nearer', () => {
  it.each([
    [70, 100, true],
    [71, 100, false],
    [10 - NEARER_MS_MIN, 10, true],
    [10.1 - NEARER_MS_MIN, 10, false],
  ])('%d ms promised beside %d ms: %s', (predictedMs, presentMs, expected) => {
    expect(isClearlyNearer(predictedMs, presentMs)).toBe(expected)
  })
})
