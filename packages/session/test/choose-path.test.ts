import { describe, expect, it } from '@jest/globals'
import type { Random } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { type Candidate, type Choice, chooseInNeed, choosePath, NO_CHOICE } from '../src/choose-path.ts'
import {
  BETTER_MS,
  COMPARED_SAMPLES_MIN,
  DAMPED_FACTOR,
  DAMPED_MS,
  FIRST_PINGS,
  SUSTAINED_MS,
  SUSTAINED_MS_MAX,
} from '../src/limits.ts'
import { RoundTrips } from '../src/round-trips.ts'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000_000)

function direct(rttMs: number | undefined, changes: Partial<Candidate> = {}): Candidate {
  return { id: 0, isDirect: true, rttMs, samples: 5, isUsable: true, ...changes }
}

function relayed(rttMs: number | undefined, changes: Partial<Candidate> = {}): Candidate {
  return { id: 1, isDirect: false, rttMs, samples: 5, isUsable: true, ...changes }
}

/** Asks once a second for so long; which path it is then. */
function after(ms: number, from: number, candidates: readonly Candidate[], choice: Choice = { ...NO_CHOICE, id: from }): Choice {
  let now = choice
  for (let atMs = 0; atMs <= ms; atMs += 1000) now = choosePath(now, candidates, atMs)
  return now
}

describe('the choice in need', () => {
  it.each([
    ['direct before relayed', [direct(100), relayed(90)], 0],
    ['a relayed one that is clearly better', [direct(100), relayed(70)], 1],
    ['direct when the gain is too small to notice', [direct(30), relayed(16)], 0],
    ['the quicker of equals', [direct(50), direct(40, { id: 2 })], 2],
    ['one that was measured', [direct(undefined), direct(400, { id: 2 })], 2],
    ['one that is usable', [direct(10, { isUsable: false }), relayed(300)], 1],
    ['any rather than none', [direct(undefined, { isUsable: false })], 0],
    ['nothing where there is nothing', [], undefined],
  ])('is %s', (_, candidates, id) => {
    expect(chooseInNeed(NO_CHOICE, candidates as Candidate[]).id).toBe(id)
  })
})

describe('the choice', () => {
  it.each([
    ['under 0.8 of the round trip and 15 ms better', 100, 79, 1],
    ['at 0.8 of it', 100, 80, 0],
    ['15 ms better and under 0.8', 60, 60 - BETTER_MS, 1],
    ['not quite 15 ms better', 60, 60 - BETTER_MS + 0.1, 0],
    ['worse', 60, 70, 0],
  ])('takes a relayed path for 5 s %s', (_, directMs, relayedMs, id) => {
    expect(after(SUSTAINED_MS, 0, [direct(directMs), relayed(relayedMs)]).id).toBe(id)
    expect(after(SUSTAINED_MS - 1000, 0, [direct(directMs), relayed(relayedMs)]).id).toBe(0)
  })

  it('begins to count anew after one second in which it was not better', () => {
    let choice = after(4000, 0, [direct(100), relayed(50)])
    choice = choosePath(choice, [direct(100), relayed(90)], 5000)
    for (let atMs = 6000; atMs < 6000 + SUSTAINED_MS; atMs += 1000) choice = choosePath(choice, [direct(100), relayed(50)], atMs)
    expect(choice.id).toBe(0)
    expect(choosePath(choice, [direct(100), relayed(50)], 6000 + SUSTAINED_MS).id).toBe(1)
  })

  it('compares nothing with fewer samples than it needs', () => {
    const few = { samples: COMPARED_SAMPLES_MIN - 1 }
    expect(after(20_000, 0, [direct(100), relayed(50, few)]).id).toBe(0)
    expect(after(20_000, 0, [direct(100, few), relayed(50)]).id).toBe(0)
  })

  it('goes back to direct when the relayed path is not better by half any more, and not before', () => {
    const won = after(SUSTAINED_MS, 0, [direct(100), relayed(70)])
    expect(after(20_000, 1, [direct(100), relayed(89)], won).id).toBe(1)
    expect(after(20_000, 1, [direct(100), relayed(91)], won).id).toBe(0)
    expect(after(20_000, 1, [direct(60), relayed(53)], won).id).toBe(0)
  })

  it('takes a direct path that joins as soon as it was measured, unless it is clearly worse', () => {
    const relay = { ...NO_CHOICE, id: 1 }
    expect(choosePath(relay, [direct(40, { samples: FIRST_PINGS - 1 }), relayed(40)], 0).id).toBe(1)
    expect(choosePath(relay, [direct(40, { samples: FIRST_PINGS }), relayed(40)], 0).id).toBe(0)
    expect(choosePath(relay, [direct(49, { samples: FIRST_PINGS }), relayed(40)], 0).id).toBe(0)
    const stays = after(20_000, 1, [direct(100), relayed(40)], relay)
    expect(stays.id).toBe(1)
    expect(after(20_000, 1, [direct(41), relayed(40)], stays).id).toBe(0)
  })

  it('takes none that is suspected, draining or on probation', () => {
    expect(after(20_000, 0, [direct(100), relayed(10, { isUsable: false })]).id).toBe(0)
    expect(after(20_000, 1, [direct(10, { isUsable: false }), relayed(100)]).id).toBe(1)
  })

  it('takes the quicker of two direct paths by the same rule', () => {
    expect(after(20_000, 0, [direct(100), direct(85, { id: 2 })]).id).toBe(0)
    expect(after(20_000, 0, [direct(100), direct(75, { id: 2 })]).id).toBe(2)
  })

  it('makes the next change harder after one that was taken back, for ten minutes', () => {
    const [worse, better] = [
      [direct(100), relayed(120)],
      [direct(100), relayed(50)],
    ]
    let choice = after(SUSTAINED_MS, 0, better)
    for (let atMs = 10_000; atMs <= 20_000; atMs += 1000) choice = choosePath(choice, worse, atMs)
    expect(choice).toMatchObject({ id: 0, sustainedMs: SUSTAINED_MS * DAMPED_FACTOR })
    let atMs = 21_000
    for (; atMs < 21_000 + SUSTAINED_MS * DAMPED_FACTOR; atMs += 1000) choice = choosePath(choice, better, atMs)
    expect(choice.id).toBe(0)
    choice = choosePath(choice, better, atMs)
    expect(choice).toMatchObject({ id: 1, sustainedMs: SUSTAINED_MS_MAX })
    const later = after(0, 1, better, choice)
    for (const waitMs of [DAMPED_MS, DAMPED_MS + SUSTAINED_MS_MAX]) choice = choosePath(choice, worse, atMs + waitMs)
    expect(later.id).toBe(1)
    expect(choice).toMatchObject({ id: 0, sustainedMs: SUSTAINED_MS })
  })
})

describe(`ten minutes of ± 30 % jitter, seed ${SEED}`, () => {
  // Every place where the rule is on edge, and some where it is not.
  const cases = [
    [100, 100],
    [100, 90],
    [100, 85],
    [100, 80],
    [100, 75],
    [60, 45],
    [40, 25],
    [20, 5],
    [300, 240],
    [300, 250],
  ] as const

  it.each(cases)('a direct path of %i ms and a relayed one of %i ms cause at most one needless change', (directMs, relayedMs) => {
    const best = relayedMs < 0.8 * directMs && directMs - relayedMs >= BETTER_MS ? 1 : 0
    for (let run = 0; run < 50; run++) {
      const needless = changesOf(createSeededRandom(SEED + run), directMs, relayedMs).filter((id) => id !== best)
      if (needless.length > 1) throw new Error(`seed ${SEED + run}: ${needless.length} needless changes in ten minutes`)
    }
  })

  it('still takes the relayed path where it is far better, within ten seconds, and stays', () => {
    for (let run = 0; run < 50; run++) {
      const random = createSeededRandom(SEED + run)
      expect(changesOf(random, 100, 40, 12_000)).toEqual([1])
      expect(changesOf(random, 100, 40)).toEqual([1])
    }
  })

  /** To which path it changes, in order. */
  function changesOf(random: Random, directMs: number, relayedMs: number, forMs = 600_000): number[] {
    const trips = [new RoundTrips(), new RoundTrips()] as const
    let choice: Choice = { ...NO_CHOICE, id: 0 }
    const changes: number[] = []
    for (let atMs = 0; atMs < forMs; atMs += 1000) {
      for (const [index, rttMs] of [directMs, relayedMs].entries()) {
        trips[index as 0 | 1].add({ rttMs: rttMs * (1 + 0.3 * (2 * random.fraction() - 1)), atMs })
        const candidates = trips.map((one, id): Candidate => {
          const { samples, medianMs } = one.recent(atMs)
          return { id, isDirect: id === 0, rttMs: medianMs ?? one.smoothedMs, samples, isUsable: true }
        })
        const next = choosePath(choice, candidates, atMs)
        if (next.id !== choice.id) changes.push(next.id as number)
        choice = next
      }
    }
    return changes
  }
})
