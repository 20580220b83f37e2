import { describe, expect, it } from '@jest/globals'
import {
  expiryOf,
  fullAllowance,
  isExpired,
  isForgotten,
  judgeTimes,
  publishDelayMs,
  refreshDelayMs,
  takePublish,
} from '../src/expiry.ts'
import {
  CLOCK_SKEW_MS,
  FORGET_AFTER_MS,
  PUBLISH_BURST,
  PUBLISH_GATHER_MS,
  PUBLISH_INTERVAL_MS,
  RECORD_LIFETIME_MS,
} from '../src/limits.ts'

const NOW = 1_700_000_000_000

describe('the times of a record', () => {
  const table: [string, number, number, ReturnType<typeof judgeTimes>][] = [
    ['made now', NOW, NOW + 1, undefined],
    ['ending now', NOW - 1, NOW, 'expired'],
    ['made as far ahead as clocks differ', NOW + CLOCK_SKEW_MS, NOW + CLOCK_SKEW_MS + 1, undefined],
    ['made further ahead', NOW + CLOCK_SKEW_MS + 1, NOW + CLOCK_SKEW_MS + 2, 'future'],
    ['lasting a day', NOW, NOW + FORGET_AFTER_MS, undefined],
    ['lasting longer', NOW, NOW + FORGET_AFTER_MS + 1, 'future'],
    ['lasting ten years since long ago', NOW - 3650 * FORGET_AFTER_MS, NOW + 1, 'future'],
  ]
  for (const [what, createdMs, expiresMs, verdict] of table) {
    it(`are ${verdict ?? 'right'} when it was ${what}`, () => expect(judgeTimes({ createdMs, expiresMs }, NOW)).toBe(verdict))
  }

  it('let it be remembered for a day, but not when it left', () => {
    const record = { createdMs: NOW, expiresMs: expiryOf(NOW), left: false }
    expect(record.expiresMs - NOW).toBe(RECORD_LIFETIME_MS)
    expect(isExpired(record, NOW + RECORD_LIFETIME_MS - 1)).toBe(false)
    expect(isExpired(record, NOW + RECORD_LIFETIME_MS)).toBe(true)
    expect(isForgotten(record, NOW + FORGET_AFTER_MS - 1)).toBe(false)
    expect(isForgotten(record, NOW + FORGET_AFTER_MS)).toBe(true)
    expect(isForgotten({ ...record, left: true }, NOW + RECORD_LIFETIME_MS - 1)).toBe(false)
    expect(isForgotten({ ...record, left: true }, NOW + RECORD_LIFETIME_MS)).toBe(true)
  })

  it('last longer where the swarm is larger', () => {
    const minutes = (records: number) => Math.floor((expiryOf(NOW, { records }) - NOW) / 60_000)
    expect([1, 16, 20, 100, 1000, 4096].map(minutes)).toEqual([15, 15, 16, 27, 59, 95])
  })

  it('are renewed well before they end, each node a little apart', () => {
    const record = { createdMs: NOW, expiresMs: expiryOf(NOW) }
    expect(refreshDelayMs(record, NOW, 0)).toBe(0.6 * RECORD_LIFETIME_MS)
    expect(refreshDelayMs(record, NOW, 0.999)).toBeGreaterThan(0.5 * RECORD_LIFETIME_MS)
    expect(refreshDelayMs(record, NOW + RECORD_LIFETIME_MS, 0)).toBe(0)
  })
})

describe('the damping', () => {
  it(`lets ${PUBLISH_BURST} out at once, apart by a moment, then one each half minute`, () => {
    let nowMs = 1000
    let allowance = fullAllowance(nowMs)
    for (let count = 0; count < PUBLISH_BURST; count++) {
      expect(publishDelayMs(allowance, nowMs)).toBe(count === 0 ? 0 : PUBLISH_GATHER_MS)
      nowMs += publishDelayMs(allowance, nowMs)
      allowance = takePublish(allowance, nowMs)
    }
    const delayMs = publishDelayMs(allowance, nowMs)
    expect(delayMs).toBeGreaterThan(PUBLISH_INTERVAL_MS - PUBLISH_BURST * PUBLISH_GATHER_MS - 1)
    expect(delayMs).toBeLessThanOrEqual(PUBLISH_INTERVAL_MS)
    expect(publishDelayMs(allowance, nowMs + delayMs)).toBe(0)
    expect(publishDelayMs(takePublish(allowance, nowMs + delayMs), nowMs + delayMs)).toBeGreaterThan(
      PUBLISH_INTERVAL_MS - 2 * PUBLISH_BURST * PUBLISH_GATHER_MS,
    )
  })
})
