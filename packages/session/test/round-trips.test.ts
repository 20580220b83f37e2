import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { COMPARED_MS, COMPARED_SAMPLES_MAX } from '../src/limits.ts'
import { RoundTrips } from '../src/round-trips.ts'
import { fuzz } from './fuzz.ts'

interface Sample {
  readonly atMs: number
  readonly rttMs: number
}

/** What `recent` says, looked up anew each time. */
function slowRecent(samples: readonly Sample[], nowMs: number): { samples: number; medianMs: number | undefined } {
  const values = samples
    .slice(-COMPARED_SAMPLES_MAX)
    .flatMap(({ atMs, rttMs }) => (nowMs - atMs <= COMPARED_MS ? [rttMs] : []))
    .sort((one, other) => one - other)
  const [lower, upper] = [values[(values.length - 1) >> 1], values[values.length >> 1]]
  return { samples: values.length, medianMs: lower === undefined || upper === undefined ? undefined : (lower + upper) / 2 }
}

it('tells the median of the last seconds, however often and whenever it is asked', () => {
  const step = fc.record({
    afterMs: fc.oneof(fc.constantFrom(0, COMPARED_MS, COMPARED_MS + 1), fc.nat({ max: 3_000 })),
    does: fc.constantFrom('add', 'ask', 'ask', 'forget'),
    rttMs: fc.nat({ max: 500 }),
  })
  fuzz(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const roundTrips = new RoundTrips()
      let samples: Sample[] = []
      let nowMs = 0
      for (const { afterMs, does, rttMs } of steps) {
        nowMs += afterMs
        if (does === 'add') {
          roundTrips.add({ rttMs, atMs: nowMs })
          samples.push({ rttMs, atMs: nowMs })
        } else if (does === 'forget') {
          roundTrips.forgetRecent()
          samples = []
        }
        expect(roundTrips.recent(nowMs)).toEqual(slowRecent(samples, nowMs))
      }
    }),
  )
})
