import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createDialMemory } from '../src/dial-memory.ts'
import {
  DIAL_PAUSE_MS_MAX,
  FAILURES_DOUBLING,
  FAILURES_FREE_MAX,
  FAILURES_REMEMBERED_MAX,
  HEARD_MAX,
  HEARD_MS,
  MESH_STAYED_MS,
  RELEASED_REST_MS,
} from '../src/limits.ts'

const named = (index: number) => `rs1${index}` as PeerId
const [bob] = [named(1)]
/** No jitter: the middle of it. */
const memoryWith = (fraction = 0.5) => createDialMemory({ bytes: (count) => new Uint8Array(count), fraction: () => fraction })

describe('what dials have taught', () => {
  it('rests longer after each failure, within a quarter of chance', () => {
    for (const [fraction, share] of [
      [0, 0.75],
      [0.5, 1],
      [1, 1.25],
    ] as const) {
      const memory = memoryWith(fraction)
      memory.failed(bob, 0)
      expect(memory.restUntilMs(bob)).toBe(1_000 * share)
      memory.failed(bob, 0)
      expect(memory.restUntilMs(bob)).toBe(2_000 * share)
      expect([memory.mayDial(bob, 2_000 * share - 1), memory.mayDial(bob, 2_000 * share)]).toEqual([false, true])
    }
  })

  it('who stayed is forgiven, who left at once is not', () => {
    const memory = memoryWith()
    memory.failed(bob, 0)
    memory.reached(bob, 0)
    memory.lost(bob, MESH_STAYED_MS - 1)
    expect(memory.failures(bob)).toBe(2)
    memory.reached(bob, 0)
    memory.lost(bob, MESH_STAYED_MS)
    expect(memory.failures(bob)).toBe(0)
  })

  it('who was let go rests, unless everybody is wanted', () => {
    const memory = memoryWith()
    memory.released(bob, 0)
    expect([memory.mayDial(bob, RELEASED_REST_MS - 1), memory.mayDial(bob, RELEASED_REST_MS)]).toEqual([false, true])
    memory.forgetReleased()
    expect(memory.mayDial(bob, 0)).toBe(true)
  })

  it('slows down only when very many in a row have failed, and is quick again after one success', () => {
    const memory = memoryWith()
    for (let index = 0; index < FAILURES_FREE_MAX; index++) memory.failed(named(index), 0)
    expect(memory.pauseMs).toBe(0)
    for (let index = 0; index < FAILURES_DOUBLING; index++) memory.failed(named(index), 0)
    expect(memory.pauseMs).toBe(2_000)
    for (let index = 0; index < 1_000; index++) memory.failed(named(index), 0)
    expect(memory.pauseMs).toBe(DIAL_PAUSE_MS_MAX)
    memory.reached(bob, 0)
    expect(memory.pauseMs).toBe(0)
  })

  it('remembers whose record came last, for a minute and so many, and not who then failed', () => {
    const memory = memoryWith()
    for (let index = 0; index < HEARD_MAX + 1; index++) memory.heard(named(index), index)
    expect(memory.recent(HEARD_MAX)).toHaveLength(HEARD_MAX)
    expect(memory.recent(HEARD_MAX)[0]).toBe(named(HEARD_MAX))
    memory.failed(named(HEARD_MAX), 0)
    expect(memory.recent(HEARD_MAX)[0]).toBe(named(HEARD_MAX - 1))
    expect(memory.recent(HEARD_MAX - 1 + HEARD_MS)).toEqual([])
  })

  it('forgets the failures of the longest ago first', () => {
    const memory = memoryWith()
    for (let index = 0; index < FAILURES_REMEMBERED_MAX + 1; index++) memory.failed(named(index), 0)
    expect([memory.failures(named(0)), memory.failures(named(1))]).toEqual([0, 1])
  })
})
