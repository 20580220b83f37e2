import { describe, expect, it } from '@jest/globals'
import { fullBucket, takeToken } from '@resilient-swarm/contract'

const rate = { perSecond: 10, burst: 3 }

/** Takes at each of these times and says which were allowed. */
function takeAt(...times: number[]): boolean[] {
  let bucket = fullBucket(rate, 0)
  return times.map((nowMs) => {
    const taken = takeToken(bucket, rate, nowMs)
    bucket = taken.bucket
    return taken.allowed
  })
}

describe('a token bucket', () => {
  it('allows its burst at once and no more', () => {
    expect(takeAt(0, 0, 0, 0)).toEqual([true, true, true, false])
  })

  it('fills at its rate, to the millisecond, also over refused tries', () => {
    expect(takeAt(0, 0, 0, 99, 100, 150, 199, 200)).toEqual([true, true, true, false, true, false, false, true])
  })

  it('keeps no more than its burst, and a clock that goes back gives nothing', () => {
    expect(takeAt(0, 60_000, 60_000, 60_000, 60_000)).toEqual([true, true, true, true, false])
    expect(takeAt(1000, 1000, 1000, 0, 50)).toEqual([true, true, true, false, false])
  })
})
