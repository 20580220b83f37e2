import { describe, expect, it } from '@jest/globals'
import { TOLD_TIME_MS_MAX, TOLD_TIMES_MAX } from '../src/limits.ts'
import { believableOffset, createToldTimes } from '../src/told-time.ts'

describe('what others say about the time', () => {
  it('is not believed when nobody can live then', () => {
    const nowMs = 1_800_000_000_000
    expect(believableOffset(TOLD_TIME_MS_MAX - nowMs, nowMs)).toBe(TOLD_TIME_MS_MAX - nowMs)
    expect(believableOffset(TOLD_TIME_MS_MAX - nowMs + 1, nowMs)).toBeUndefined()
    expect(believableOffset(-nowMs, nowMs)).toBe(-nowMs)
    expect(believableOffset(-nowMs - 1, nowMs)).toBeUndefined()
    expect(believableOffset(undefined, nowMs)).toBeUndefined()
  })

  it('is the median of the newest, so one that lies does not decide', () => {
    const told = createToldTimes()
    expect(told.offsetMs).toBeUndefined()
    told.add(9_000_000)
    told.add(10)
    told.add(20)
    expect(told.offsetMs).toBe(20)
    for (let count = 0; count < TOLD_TIMES_MAX; count++) told.add(-5)
    expect(told.offsetMs).toBe(-5)
  })
})
