import { describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { TokenRate } from '../src/token-rate.ts'

const rateOf = (bytesPerSecond: number, burstBytes: number) => {
  const clock = createVirtualClock()
  return { clock, rate: new TokenRate({ bytesPerSecond, burstBytes, clock }) }
}

describe('TokenRate', () => {
  it('lets the burst go at once and what is over it later', () => {
    const { rate } = rateOf(1000, 500)
    expect(rate.delayMs()).toBe(0)
    rate.take(499)
    expect(rate.delayMs()).toBe(0)
    rate.take(101)
    expect(rate.delayMs()).toBe(100)
  })

  it('waits for as long as the debt takes, and a moment at least', async () => {
    const { rate, clock } = rateOf(1000, 500)
    rate.take(500)
    expect(rate.delayMs()).toBe(1)
    rate.take(50)
    await clock.advance(50)
    expect(rate.delayMs()).toBe(1)
    await clock.advance(1)
    expect(rate.delayMs()).toBe(0)
  })

  it('gathers no more than the burst while nothing goes', async () => {
    const { rate, clock } = rateOf(1000, 500)
    rate.take(100)
    await clock.advance(60_000)
    expect(rate.delayMs()).toBe(0)
    rate.take(600)
    expect(rate.delayMs()).toBe(100)
  })

  it('never waits without a limit', () => {
    const { rate } = rateOf(Number.POSITIVE_INFINITY, 1)
    rate.take(1e15)
    expect(rate.delayMs()).toBe(0)
  })

  it('lets burst, rate and one piece go in any time, and the rate in the long run', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 100, max: 1_000_000 }),
        fc.integer({ min: 1, max: 200_000 }),
        fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 1, maxLength: 50 }),
        async (bytesPerSecond, burstBytes, pieces) => {
          let elapsedMs = 0
          const clock = { ...createVirtualClock(), monotonic: () => elapsedMs }
          const rate = new TokenRate({ bytesPerSecond, burstBytes, clock })
          let gone = 0
          for (const piece of pieces) {
            for (let delayMs = rate.delayMs(); delayMs > 0; delayMs = rate.delayMs()) elapsedMs += delayMs
            rate.take(piece)
            gone += piece
            const allowed = burstBytes + (bytesPerSecond * elapsedMs) / 1000
            expect(gone).toBeLessThanOrEqual(allowed + piece + 1e-6)
          }
          // Timers have a millisecond's grain, so each wait may be one too long, and the next piece is due that much earlier.
          const neededMs = (Math.max(0, gone - burstBytes) * 1000) / bytesPerSecond
          expect(elapsedMs).toBeLessThanOrEqual(neededMs + 1 + pieces.length * 2)
        },
      ),
      { numRuns: 300 },
    )
  })
})
