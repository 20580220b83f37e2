import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { type Absent, chooseCalls, isLarger, meshRetryMs } from '../src/choose-calls.ts'
import { MESH_PATIENCE_MS, MESH_RETRY_MS_MAX } from '../src/limits.ts'

const ids = Array.from({ length: 6 }, (_, index) => createKeyPair({ seed: new Uint8Array(32).fill(index + 1) }).peerId)
const sorted = [...ids].sort((one, other) => (isLarger(one, other) ? 1 : -1))
const [smallest, second, , , , largest] = sorted as [PeerId, PeerId, PeerId, PeerId, PeerId, PeerId]

const absent = (id: PeerId, facts: Partial<Absent> = {}): Absent => ({ id, sinceMs: 0, failures: 0, restUntilMs: 0, ...facts })
const state = { connected: 0, calling: 0, peersMax: 10, callsMax: 8, nowMs: 0 }

describe('whom a full mesh calls', () => {
  it('the larger key calls at once, the smaller waits for it', () => {
    expect(chooseCalls({ ...state, self: largest, absent: [absent(smallest)] })).toEqual([smallest])
    expect(chooseCalls({ ...state, self: smallest, absent: [absent(largest)] })).toEqual([])
    expect(chooseCalls({ ...state, self: smallest, absent: [absent(largest)], nowMs: MESH_PATIENCE_MS - 1 })).toEqual([])
    expect(chooseCalls({ ...state, self: smallest, absent: [absent(largest)], nowMs: MESH_PATIENCE_MS })).toEqual([largest])
  })

  it.each([
    ['no room for peers', { connected: 10 }, 0],
    ['room for one peer', { connected: 9 }, 1],
    ['calls under way take the room', { connected: 8, calling: 1 }, 1],
    ['as many calls as may be', { calling: 8 }, 0],
    ['room for all', {}, 2],
  ])('%s', (_, facts, count) => {
    expect(chooseCalls({ ...state, self: largest, absent: [absent(smallest), absent(second)], ...facts })).toHaveLength(count)
  })

  it('the longest absent comes first', () => {
    const chosen = chooseCalls({
      ...state,
      self: largest,
      connected: 9,
      absent: [absent(smallest, { sinceMs: 5 }), absent(second, { sinceMs: 1 })],
      nowMs: 10,
    })
    expect(chosen).toEqual([second])
  })

  it('a newcomer comes before those that could not be reached, however long they are known', () => {
    const unreachable = absent(second, { sinceMs: 1, failures: 3, restUntilMs: 1 })
    const newcomer = absent(smallest, { sinceMs: 99_999 })
    const crowded = { ...state, self: largest, connected: 9, nowMs: 100_000 }
    expect(chooseCalls({ ...crowded, absent: [unreachable, newcomer] })).toEqual([smallest])
  })

  it('leaves alone whom it failed to reach, longer each time, never for more than a minute', () => {
    const failed = absent(smallest, { failures: 1, restUntilMs: 100 })
    expect(chooseCalls({ ...state, self: largest, absent: [failed], nowMs: 99 })).toEqual([])
    expect(chooseCalls({ ...state, self: largest, absent: [failed], nowMs: 100 })).toEqual([smallest])
    expect([0, 1, 2, 3, 100].map(meshRetryMs)).toEqual([0, 1_000, 2_000, 4_000, MESH_RETRY_MS_MAX])
  })
})
