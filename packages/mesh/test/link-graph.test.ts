import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createLinkGraph, type GraphLink } from '../src/link-graph.ts'

const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'] as unknown as [PeerId, PeerId, PeerId, PeerId]
const to = (key: PeerId, rttMs: number): GraphLink => ({ key, rttMs })

function graphOf(records: Map<PeerId, readonly GraphLink[]>) {
  return createLinkGraph({ linksOf: (id) => records.get(id) ?? [] })
}

describe('the graph of links', () => {
  const records = new Map([
    [alice, [to(bob, 10), to(carol, 0)]],
    [bob, [to(alice, 12), to(dave, 5)]],
    [carol, [to(alice, 0), to(dave, 1)]],
    [dave, [to(carol, 3)]],
  ])
  const graph = graphOf(records)

  it('a link counts when either end tells of it', () => {
    expect(graph.isLinked(dave, bob)).toBe(true)
    expect(graph.isLinked(bob, dave)).toBe(true)
    expect(graph.isLinked(bob, carol)).toBe(false)
    expect(graph.neighbours(dave)).toEqual([to(carol, 3)])
    expect(graph.neighbours('stranger' as PeerId)).toEqual([])
  })

  it.each([
    ['the larger of what its ends measured', alice, bob, 12],
    ['what one end measured', dave, bob, 5],
    ['nothing where nobody measured', alice, carol, undefined],
    ['nothing without a link', alice, dave, undefined],
  ])('the round trip of a link is %s', (_, one, other, expected) => {
    expect(graph.rttMs(one, other)).toBe(expected)
    expect(graph.rttMs(other, one)).toBe(expected)
  })

  it.each([
    ['that of the link itself', alice, bob, 12],
    ['by a common neighbour', bob, carol, 6],
    ['undefined when a leg is unmeasured', alice, dave, undefined],
  ])('predicts %s', (_, one, other, expected) => {
    expect(graph.predictRttMs(one, other)).toBe(expected)
  })

  it('the best common neighbour counts, and a new record at once', () => {
    records.set(dave, [to(carol, 3), to(bob, 6)])
    expect(graph.predictRttMs(alice, dave)).toBe(16)
    records.set(alice, [to(bob, 10), to(carol, 1)])
    expect(graph.predictRttMs(alice, dave)).toBe(4)
    records.delete(dave)
    expect(graph.predictRttMs(alice, dave)).toBe(undefined)
  })
})
