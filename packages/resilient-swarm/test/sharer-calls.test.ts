import { describe, expect, it } from '@jest/globals'
import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { SHARER_RETRY_MS_MAX, SHARER_RETRY_MS_MIN, SHARERS_CALLED_AT_ONCE_MAX, SHARERS_INTERVAL_MS } from '../src/limits.ts'
import { chooseSharersToCall, createSharerCalls, type ListedSharer, type Standing, sharerRestMs } from '../src/sharer-calls.ts'

const one = (id: string, facts: Partial<ListedSharer> = {}): ListedSharer => ({
  id: id as PeerId,
  standing: 'alive',
  failures: 0,
  restUntilMs: 0,
  isConnected: false,
  lot: 0.5,
  ...facts,
})

describe('whom of a list to call', () => {
  const cases: [string, ListedSharer[], number, string[]][] = [
    ['nobody while there is no room', [one('a')], 0, []],
    ['nobody while more are called than there is room for', [one('a')], -1, []],
    ['those known to be alive first', [one('a', { standing: 'unknown', lot: 0 }), one('b', { lot: 0.9 })], 1, ['b']],
    ['then by their lots', [one('a', { lot: 0.9 }), one('b', { lot: 0.1 })], 2, ['b', 'a']],
    ['nobody who is there', [one('a', { isConnected: true })], 8, []],
    ['nobody who said goodbye', [one('a', { standing: 'left' })], 8, []],
    ['nobody who rests', [one('a', { restUntilMs: 1_001 }), one('b', { restUntilMs: 1_000 })], 8, ['b']],
  ]
  it.each(cases)('%s', (_, listed, room, expected) => {
    expect(chooseSharersToCall(listed, { room, nowMs: 1_000 })).toEqual(expected)
  })
})

describe('the rest of a listed peer', () => {
  it('doubles up to five minutes, spread by a quarter either way', () => {
    const rests = [1, 2, 3, 8, 9, 1_000].map((failures) => sharerRestMs({ failures, fraction: 0.5 }))
    const [min, max] = [SHARER_RETRY_MS_MIN, SHARER_RETRY_MS_MAX]
    expect(rests).toEqual([min, 2 * min, 4 * min, 128 * min, max, max])
    expect(sharerRestMs({ failures: 1, fraction: 0 })).toBe(0.75 * min)
    expect(sharerRestMs({ failures: 1, fraction: 1 })).toBe(1.25 * min)
  })
})

describe('calls to those who are listed', () => {
  function scene(ids: readonly string[], { room = 8 } = {}) {
    const runtime = createTestRuntime()
    const standings = new Map<string, Standing>()
    const connected = new Set<string>()
    const called: { id: string; atMs: number; reach(): void; fail(): void }[] = []
    const calls = createSharerCalls({
      listed: ids as readonly PeerId[],
      runtime,
      scope: new Scope(),
      room: () => room,
      standing: (id) => standings.get(id) ?? 'unknown',
      isConnected: (id) => connected.has(id),
      call: (id) =>
        new Promise<void>((resolve, reject) => {
          called.push({ id, atMs: runtime.clock.monotonic(), reach: resolve, fail: () => reject(new Error('not there')) })
        }),
    })
    return { runtime, standings, connected, called, calls }
  }

  it('are a few at a time', async () => {
    const { runtime, called } = scene(['a', 'b', 'c', 'd', 'e'])
    await runtime.clock.advance(10 * SHARERS_INTERVAL_MS)
    expect(called).toHaveLength(SHARERS_CALLED_AT_ONCE_MAX)
    called[0]?.fail()
    await runtime.clock.advance(2 * SHARERS_INTERVAL_MS)
    expect(called).toHaveLength(SHARERS_CALLED_AT_ONCE_MAX + 1)
  })

  it('become rare while nobody answers: a dozen in half an hour', async () => {
    const { runtime, called } = scene(['a'])
    for (let minute = 0; minute < 300; minute++) {
      called.at(-1)?.fail()
      await runtime.clock.advance(6_000)
    }
    expect(called.length).toBeGreaterThan(8)
    expect(called.length).toBeLessThan(18)
  })

  it('begin anew when one is heard of again, and when one that shared is lost', async () => {
    const { runtime, standings, connected, called, calls } = scene(['a'])
    for (let time = 0; time < 100; time++) {
      called.at(-1)?.fail()
      await runtime.clock.advance(6_000)
    }
    const before = called.length
    standings.set('a', 'alive')
    await runtime.clock.advance(2 * SHARERS_INTERVAL_MS)
    expect(called).toHaveLength(before + 1)
    connected.add('a')
    called.at(-1)?.reach()
    await runtime.clock.advance(0)
    calls.shares('a' as PeerId)
    await runtime.clock.advance(60_000)
    expect(called).toHaveLength(before + 1)
    connected.delete('a')
    await runtime.clock.advance(2 * SHARERS_INTERVAL_MS)
    expect(called).toHaveLength(before + 2)
  })
})
