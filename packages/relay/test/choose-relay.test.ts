import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { chooseRelays, isWorthTrying, type RecordedLink, type RelayNeighbour } from '../src/index.ts'

const id = (name: string) => name as PeerId
const [self, target] = [id('alice'), id('bob')]
const neighbour = (name: string, rttMs: number | undefined, facts: Partial<RelayNeighbour> = {}): RelayNeighbour => ({
  id: id(name),
  rttMs,
  serves: true,
  isDirect: true,
  ...facts,
})
const links = (table: Record<string, Record<string, number>>) => (peer: PeerId) =>
  table[peer] && Object.entries(table[peer]).map(([key, rttMs]): RecordedLink => ({ key: id(key), rttMs }))

const choose = (
  neighbours: readonly RelayNeighbour[],
  table: Record<string, Record<string, number>>,
  more: { avoid?: ReadonlySet<PeerId>; max?: number } = {},
) =>
  chooseRelays({ self, target, neighbours, linksOf: links(table), ...more }).map(({ relay, predictedRttMs }) => [
    relay,
    predictedRttMs,
  ])

describe('chooseRelays', () => {
  it('puts the shortest way first', () => {
    const neighbours = [neighbour('carol', 10), neighbour('ruth', 30), neighbour('dave', 5)]
    expect(choose(neighbours, { bob: { carol: 40, ruth: 5, dave: 50 } })).toEqual([
      ['ruth', 35],
      ['carol', 50],
      ['dave', 55],
    ])
  })

  it('believes the larger of what both ends of the second leg say', () => {
    expect(choose([neighbour('mallory', 10)], { bob: { mallory: 90 }, mallory: { bob: 1 } })).toEqual([['mallory', 100]])
    expect(choose([neighbour('mallory', 10)], { bob: { mallory: 1 }, mallory: { bob: 90 } })).toEqual([['mallory', 100]])
  })

  it('takes one record for the link when the other says nothing of it', () => {
    expect(choose([neighbour('ruth', 10)], { ruth: { bob: 7 } })).toEqual([['ruth', 17]])
    expect(choose([neighbour('ruth', 10)], { bob: {}, ruth: { bob: 7 } })).toEqual([['ruth', 17]])
  })

  it('puts those whose way has no known length last, and those that may not even have one behind them', () => {
    const neighbours = [neighbour('x', 1), neighbour('carol', undefined), neighbour('ruth', 30), neighbour('dave', 1)]
    expect(choose(neighbours, { carol: { bob: 1 }, ruth: { bob: 5 }, dave: { bob: Number.NaN } })).toEqual([
      ['ruth', 35],
      ['carol', undefined],
      ['dave', undefined],
      ['x', undefined],
    ])
  })

  it('leaves out who is not linked to a target whose record is there', () => {
    expect(choose([neighbour('x', 1), neighbour('ruth', 1)], { bob: { ruth: 1 } })).toEqual([['ruth', 2]])
  })

  it.each([
    ['ourselves', neighbour('alice', 1)],
    ['the target', neighbour('bob', 1)],
    ['who does not serve', neighbour('ruth', 1, { serves: false })],
    ['who is not connected directly', neighbour('ruth', 1, { isDirect: false })],
    ['who failed lately', neighbour('carol', 1)],
  ])('never takes %s', (_, candidate) => {
    const everybody = { alice: 1, bob: 1, ruth: 1, carol: 1 }
    expect(choose([candidate], { bob: everybody, alice: everybody }, { avoid: new Set([id('carol')]) })).toEqual([])
  })

  it('gives no more than it was asked for, and equal ones in one order', () => {
    const neighbours = ['d', 'b', 'c', 'a'].map((name) => neighbour(name, 1))
    const table = { bob: { a: 1, b: 1, c: 1, d: 1 } }
    expect(choose(neighbours, table, { max: 3 }).map(([relay]) => relay)).toEqual(['a', 'b', 'c'])
    expect(choose(neighbours.reverse(), table, { max: 3 }).map(([relay]) => relay)).toEqual(['a', 'b', 'c'])
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('takes a told time of %p for none', (rttMs) => {
    expect(choose([neighbour('ruth', 10)], { bob: { ruth: rttMs } })).toEqual([['ruth', undefined]])
    expect(choose([neighbour('ruth', 10)], { bob: { ruth: rttMs }, ruth: { bob: 3 } })).toEqual([['ruth', undefined]])
  })
})

describe('isWorthTrying', () => {
  it.each([
    [100, 79, true],
    [100, 80, false],
    [100, 81, false],
    [60, 45, true],
    [60, 45.1, false],
    [20, 5, true],
    [20, 6, false],
    [1000, 799, true],
    [undefined, 5, false],
    [100, undefined, false],
    [Number.NaN, 1, false],
    [100, -50, false],
  ])('direct %p ms, predicted %p ms: %p', (directRttMs, predictedRttMs, expected) => {
    expect(isWorthTrying({ directRttMs, predictedRttMs })).toBe(expected)
  })
})
