import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createDialMemory } from '../src/dial-memory.ts'
import { DIAL_PATIENCE_MS, DIAL_TIMEOUT_MS, DIALS_AT_ONCE_MAX, FAILURES_FREE_MAX, URGENT_DIAL_TIMEOUT_MS } from '../src/limits.ts'
import { createMeshDialler } from '../src/mesh-dialler.ts'

const named = (index: number) => `rs1${index}` as PeerId
const calm = { isUrgent: false, isDrawn: false }

function diallerToSilence(callsMax = 8) {
  const { clock, random } = createTestRuntime()
  const memory = createDialMemory(random)
  const timeouts: number[] = []
  const ended: unknown[] = []
  const dialler = createMeshDialler({
    clock,
    memory,
    callsMax,
    call(_, { timeoutMs }) {
      timeouts.push(timeoutMs)
      return new Promise((_resolve, reject) => clock.setTimer(timeoutMs, () => reject(new Error('silence'))))
    },
    onEnd: (id, facts) => ended.push([id, facts]),
  })
  return { clock, memory, dialler, timeouts, ended }
}

describe('the dials of the mesh', () => {
  it('are three at once, and more when those are silent, up to the most', async () => {
    const { clock, dialler } = diallerToSilence(8)
    expect(dialler.room()).toBe(DIALS_AT_ONCE_MAX)
    const rooms: number[] = []
    for (let round = 0, next = 0; round < 4; round++) {
      for (let room = dialler.room(); room > 0; room--) dialler.dial(named(next++), calm)
      rooms.push(dialler.size)
      await clock.advance(DIAL_PATIENCE_MS - 1)
      expect(dialler.room()).toBe(0)
      await clock.advance(1)
    }
    expect(rooms).toEqual([3, 6, 8, 8])
  })

  it('give up early when they are urgent, and tell how they ended', async () => {
    const { clock, dialler, memory, timeouts, ended } = diallerToSilence()
    dialler.dial(named(1), { isUrgent: true, isDrawn: true })
    dialler.dial(named(2), calm)
    expect(timeouts).toEqual([URGENT_DIAL_TIMEOUT_MS, DIAL_TIMEOUT_MS])
    expect([dialler.drawnCount, dialler.isDialling(named(1))]).toEqual([1, true])
    await clock.advance(URGENT_DIAL_TIMEOUT_MS)
    expect(ended).toEqual([[named(1), { isReached: false, isDrawn: true }]])
    expect([memory.failures(named(1)), dialler.isDialling(named(1)), dialler.size]).toEqual([1, false, 1])
  })

  it('are one at a time with pauses once very many have failed', async () => {
    const { clock, dialler, memory } = diallerToSilence()
    for (let index = 0; index <= FAILURES_FREE_MAX; index++) memory.failed(named(index), 0)
    expect(dialler.room()).toBe(1)
    dialler.dial(named(999), { isUrgent: true, isDrawn: false })
    await clock.advance(DIAL_PATIENCE_MS)
    expect(dialler.room()).toBe(0)
    await clock.advance(URGENT_DIAL_TIMEOUT_MS)
    expect(dialler.room()).toBe(1)
  })
})
