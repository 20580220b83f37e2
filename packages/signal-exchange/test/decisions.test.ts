import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { chooseClockOffset } from '../src/clock-offset.ts'
import { RECONNECT_MS_MAX, RECONNECT_MS_MIN } from '../src/limits.ts'
import { reconnectDelayMs } from '../src/reconnect.ts'
import { createSeenBoxes } from '../src/seen-boxes.ts'

describe('the pause before dialling again', () => {
  it('doubles from the first to the longest, half of it chance', () => {
    const table = [
      [1, 100, 200],
      [2, 200, 400],
      [3, 400, 800],
      [8, 12_800, 25_600],
      [9, 15_000, 30_000],
      [1000, 15_000, 30_000],
    ] as const
    for (const [failures, least, most] of table) {
      expect(reconnectDelayMs({ failures, fraction: 0 })).toBe(least)
      expect(reconnectDelayMs({ failures, fraction: 1 })).toBe(most)
    }
  })

  it('is within its limits for every count and chance', () => {
    const seed = Date.now()
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, fraction) => {
        const delayMs = reconnectDelayMs({ failures, fraction })
        expect(delayMs).toBeGreaterThanOrEqual(RECONNECT_MS_MIN / 2)
        expect(delayMs).toBeLessThanOrEqual(RECONNECT_MS_MAX)
      }),
      { numRuns: 1000, seed },
    )
  })
})

describe('one clock out of many', () => {
  it('is the median, and of two in the middle the smaller correction', () => {
    for (const [offsets, chosen] of [
      [[], undefined],
      [[undefined], undefined],
      [[7], 7],
      [[undefined, -7], -7],
      [[900_000, 3], 3],
      [[-5, 4], 4],
      [[-4, 5], -4],
      [[1, 900_000, 2], 2],
      [[-900_000, 900_000, 2, 1], 1],
    ] as const) {
      expect(chooseClockOffset(offsets)).toBe(chosen)
    }
  })
})

describe('boxes that were seen', () => {
  it('are told apart until the memory is full, then the oldest are forgotten', () => {
    const seen = createSeenBoxes({ max: 3 })
    expect(['a', 'b', 'c', 'a', 'c'].map((name) => seen.isNew(name))).toEqual([true, true, true, false, false])
    expect(seen.isNew('d')).toBe(true)
    expect(seen.size).toBe(3)
    expect(['d', 'c', 'b', 'a'].map((name) => seen.isNew(name))).toEqual([false, false, false, true])
  })
})
