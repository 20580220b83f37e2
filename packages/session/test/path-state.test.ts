import { describe, expect, it } from '@jest/globals'
import {
  DEAD_QUIET_MS,
  DEAD_UNANSWERED_MS,
  FAILURES_FORGOTTEN_MS,
  ONE_WAY_DEAD_MS,
  ONE_WAY_MS,
  PING_IDLE_MS,
  PINGS_OUTSTANDING_MAX,
  PROBATION_MS,
  PROBATION_MS_MAX,
  SILENCE_MARGIN_MS,
  SILENCE_MS_MIN,
  SILENCE_UNMEASURED_MS,
} from '../src/limits.ts'
import { PathState } from '../src/path-state.ts'
import { RoundTrips } from '../src/round-trips.ts'

/** A path whose round trip is known to be 20 ms; all silence is then `SILENCE_MS_MIN`. */
function measured(): PathState {
  const state = new PathState(0)
  for (let index = 0; index < 20; index++) {
    state.pinged(index, 0)
    state.heard(20)
    state.ponged(index, 20)
  }
  return state
}

describe('round trips', () => {
  it('are smoothed as RFC 6298 says', () => {
    const trips = new RoundTrips()
    expect(trips.silenceMs).toBe(SILENCE_UNMEASURED_MS)
    trips.add({ rttMs: 100, atMs: 0 })
    expect(trips.smoothedMs).toBe(100)
    expect(trips.silenceMs).toBe(100 + 4 * 50 + SILENCE_MARGIN_MS)
    trips.add({ rttMs: 140, atMs: 1 })
    expect(trips.smoothedMs).toBe(105)
    expect(trips.silenceMs).toBe(105 + 4 * 47.5 + SILENCE_MARGIN_MS)
  })

  it('never make a silence under the least one suspicious', () => {
    const trips = new RoundTrips()
    for (let index = 0; index < 100; index++) trips.add({ rttMs: 1, atMs: index })
    expect(trips.silenceMs).toBe(SILENCE_MS_MIN)
  })

  it('are compared by the median of the last 5 s', () => {
    const trips = new RoundTrips()
    for (const [atMs, rttMs] of [
      [0, 1],
      [6000, 30],
      [7000, 900],
      [8000, 10],
      [9000, 20],
    ] as const)
      trips.add({ rttMs, atMs })
    expect(trips.recent(9000)).toEqual({ samples: 4, medianMs: 25 })
    expect(trips.recent(12_000)).toEqual({ samples: 3, medianMs: 20 })
    expect(trips.recent(20_000)).toEqual({ samples: 0, medianMs: undefined })
  })
})

describe('the verdict on a path', () => {
  it('is well while nothing is outstanding, however long nothing comes', () => {
    expect(measured().judge(1e6)).toBe('well')
    expect(measured().nextJudgementMs(0)).toBe(Number.POSITIVE_INFINITY)
  })

  it.each(['DATA', 'a PING'])('goes from suspected at T to failed at 2 T to dead when %s stays unanswered', (what) => {
    const state = measured()
    if (what === 'DATA') state.dataSent(100)
    else state.pinged(99, 100)
    expect(state.judge(100 + SILENCE_MS_MIN - 1)).toBe('well')
    expect(state.nextJudgementMs(100)).toBe(100 + SILENCE_MS_MIN)
    expect(state.judge(100 + SILENCE_MS_MIN)).toBe('suspected')
    expect(state.nextJudgementMs(100 + SILENCE_MS_MIN)).toBe(100 + 2 * SILENCE_MS_MIN)
    expect(state.judge(100 + 2 * SILENCE_MS_MIN)).toBe('failed')
    const deadMs = Math.max(20 + DEAD_QUIET_MS, 100 + DEAD_UNANSWERED_MS)
    expect(state.judge(deadMs - 1)).toBe('failed')
    expect(state.judge(deadMs)).toBe('dead')
  })

  it('finds an idle path of a killed peer dead within 5 s of its last word', () => {
    const state = measured()
    state.heard(1000)
    state.pinged(99, 1000 + PING_IDLE_MS)
    expect(state.judge(1000 + PING_IDLE_MS + DEAD_UNANSWERED_MS - 1)).toBe('suspected')
    expect(state.judge(1000 + PING_IDLE_MS + DEAD_UNANSWERED_MS)).toBe('dead')
    expect(PING_IDLE_MS + DEAD_UNANSWERED_MS).toBeLessThanOrEqual(5000)
  })

  it('waits for an answer however long nothing was heard before', () => {
    const state = measured()
    state.pinged(99, 60_000)
    expect(state.judge(60_000 + DEAD_UNANSWERED_MS - 1)).toBe('suspected')
    expect(state.judge(60_000 + DEAD_UNANSWERED_MS)).toBe('dead')
  })

  it('is put off by any frame, and by acknowledgements that come by another path', () => {
    const heard = measured()
    heard.dataSent(100)
    heard.heard(350)
    expect(heard.judge(350 + SILENCE_MS_MIN - 1)).toBe('well')
    expect(heard.judge(350 + SILENCE_MS_MIN)).toBe('suspected')
    const proven = measured()
    proven.dataSent(100)
    proven.dataAcknowledged({ nowMs: 350, isProof: true, hasMore: true })
    expect(proven.judge(350 + SILENCE_MS_MIN - 1)).toBe('well')
    expect(proven.judge(350 + SILENCE_MS_MIN)).toBe('suspected')
    const done = measured()
    done.dataSent(100)
    done.dataAcknowledged({ nowMs: 200, isProof: true, hasMore: false })
    expect(done.judge(1e6)).toBe('well')
  })

  it('suspects a path by which frames come and nothing of ours gets through', () => {
    const state = measured()
    state.pinged(99, 100)
    for (let atMs = 100; atMs < 20_000; atMs += 100) {
      state.heard(atMs)
      const silentMs = atMs - 100
      const expected =
        silentMs >= ONE_WAY_DEAD_MS
          ? 'dead'
          : silentMs >= ONE_WAY_MS + 2 * SILENCE_MS_MIN
            ? 'failed'
            : silentMs >= ONE_WAY_MS + SILENCE_MS_MIN
              ? 'suspected'
              : 'well'
      expect([atMs, state.judge(atMs)]).toEqual([atMs, expected])
    }
  })

  it('stays suspected until something is proven: a frame is not enough', () => {
    const state = measured()
    state.dataSent(100)
    state.judge(500)
    state.heard(510)
    state.dataAcknowledged({ nowMs: 510, isProof: false, hasMore: false })
    expect(state.judge(520)).toBe('suspected')
    state.pinged(99, 520)
    state.ponged(99, 540)
    expect(state.judge(540)).toBe('well')
    const other = measured()
    other.dataSent(100)
    other.judge(500)
    other.dataAcknowledged({ nowMs: 510, isProof: true, hasMore: true }) // what had arrived before it fell silent
    expect(other.isSuspected).toBe(true)
  })

  it('is stretched by the lateness of our own timers, until something is heard', () => {
    const state = measured()
    state.dataSent(100)
    state.stretch(5000)
    expect(state.judge(5100 + SILENCE_MS_MIN - 1)).toBe('well')
    expect(state.judge(5100 + SILENCE_MS_MIN)).toBe('suspected')
    const heard = measured()
    heard.dataSent(100)
    heard.stretch(5000)
    heard.heard(200)
    expect(heard.judge(200 + SILENCE_MS_MIN)).toBe('suspected')
  })

  it('compares by round trips after a stall only, not by those before it or by how long it took', () => {
    const state = measured()
    state.pinged(1, 100)
    expect(state.judge(500)).toBe('suspected')
    state.pinged(2, 500)
    state.ponged(1, 700)
    state.ponged(2, 701)
    expect(state.roundTrips.recent(701).samples).toBe(0)
    state.pinged(3, 800)
    state.ponged(3, 820)
    expect(state.roundTrips.recent(820)).toEqual({ samples: 1, medianMs: 20 })
  })
})

describe('PINGs', () => {
  it('are answered by their own number only, and answer those before them', () => {
    const state = new PathState(0)
    state.pinged(5, 0)
    state.pinged(6, 10)
    state.pinged(7, 20)
    expect(state.ponged(4, 30)).toBe(false)
    expect(state.roundTrips.smoothedMs).toBeUndefined()
    expect(state.ponged(6, 40)).toBe(true)
    expect(state.roundTrips.smoothedMs).toBe(30)
    expect(state.ponged(5, 50)).toBe(false)
    expect(state.ponged(6, 50)).toBe(false)
    expect(state.ponged(7, 50)).toBe(true)
  })

  it('are at most eight unanswered', () => {
    const state = new PathState(0)
    for (let id = 0; id < PINGS_OUTSTANDING_MAX; id++) expect(state.pinged(id, 0)).toBe(true)
    expect(state.pinged(99, 0)).toBe(false)
    expect(state.ponged(99, 1)).toBe(false)
    state.ponged(0, 1)
    expect(state.pinged(99, 2)).toBe(true)
  })
})

describe('probation', () => {
  /** Fails and is well again a second later; for how long from then it is not chosen. */
  const failAt = (state: PathState, atMs: number) => {
    state.dataSent(atMs)
    state.judge(atMs + SILENCE_MS_MIN)
    expect(state.judge(atMs + 2 * SILENCE_MS_MIN)).toBe('failed')
    state.failed(atMs + 2 * SILENCE_MS_MIN)
    state.dataAcknowledged({ nowMs: atMs + 980, isProof: true, hasMore: false })
    state.pinged(1, atMs + 980)
    state.ponged(1, atMs + 1000)
    return state.trustedFromMs - (atMs + 1000)
  }

  it('doubles with each failure up to its most, and is forgotten after a long time', () => {
    const state = measured()
    expect(state.trustedFromMs).toBe(Number.NEGATIVE_INFINITY)
    const probations = [0, 1, 2, 3, 4, 5, 6].map((index) => failAt(state, 10_000 + index * 10_000))
    expect(probations).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => Math.min(PROBATION_MS_MAX, PROBATION_MS * 2 ** index)))
    const wellSinceMs = 71_000
    expect(failAt(state, wellSinceMs + FAILURES_FORGOTTEN_MS - 2 * SILENCE_MS_MIN)).toBe(PROBATION_MS_MAX)
    const againMs = wellSinceMs + FAILURES_FORGOTTEN_MS - 2 * SILENCE_MS_MIN + 1000
    expect(failAt(state, againMs + FAILURES_FORGOTTEN_MS - 2 * SILENCE_MS_MIN + 1)).toBe(PROBATION_MS)
  })
})
