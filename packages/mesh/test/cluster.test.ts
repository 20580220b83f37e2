import { afterEach, describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { createCluster } from './cluster.ts'

const PEERS_MAX = 24
let cluster: ReturnType<typeof createCluster>
afterEach(() => cluster.end())

function begin(seed: number) {
  const clock = createVirtualClock()
  cluster = createCluster({ clock, seed, peersMax: PEERS_MAX })
  async function grow(to: number): Promise<void> {
    while (cluster.members.size < to) {
      cluster.join()
      await clock.advance(200)
    }
  }
  async function shrink(to: number): Promise<void> {
    for (const id of [...cluster.members.keys()].slice(0, cluster.members.size - to)) {
      cluster.leave(id)
      await clock.advance(200)
    }
  }
  /** Passes time until all are one component again; how long it took. */
  async function healedAfterMs(mostMs: number): Promise<number> {
    for (let passedMs = 0; passedMs < mostMs; passedMs += 250) {
      await clock.advance(250)
      // The dead are linked for two seconds more.
      if (passedMs >= 2_000 && cluster.largestShare() === 1) return passedMs + 250
    }
    return Number.POSITIVE_INFINITY
  }
  return { clock, grow, shrink, healedAfterMs }
}

describe.each([1, 2, 3])('fifty nodes, seed %i', (seed) => {
  it('form a partial mesh, let go what neither end needs, and come to rest', async () => {
    const { clock, grow } = begin(seed)
    await grow(50)
    expect(cluster.largestShare()).toBe(1)
    await clock.advance(600_000)
    const { calls } = cluster.seen
    const mean = cluster.degrees().reduce((sum, degree) => sum + degree, 0) / 50
    expect(cluster.degrees()[0]).toBeGreaterThanOrEqual(12)
    expect(mean).toBeLessThan(18)
    expect(cluster.seen.degreeMax).toBeLessThanOrEqual(PEERS_MAX)
    await clock.advance(300_000)
    expect(cluster.seen.calls - calls).toBeLessThan(50) // not one a node in five minutes
    expect(cluster.largestShare()).toBe(1)
  })

  it.each([
    [0.5, 5_000],
    [0.8, 30_000],
    [0.9, 60_000],
  ])('are one again after %d of them die at once', async (share, withinMs) => {
    const { clock, grow, healedAfterMs } = begin(seed)
    await grow(50)
    await clock.advance(30_000)
    for (const id of [...cluster.members.keys()].filter((_, index) => index % 10 < share * 10)) cluster.kill(id)
    expect(await healedAfterMs(withinMs)).toBeLessThanOrEqual(withinMs)
  })
})

describe('growing from 1 to 16, 17 and 200, and shrinking to 10', () => {
  it('changes the mode once each way, never has too many links and never falls apart', async () => {
    const { clock, grow, shrink } = begin(4)
    for (const size of [2, 12, 16]) {
      await grow(size)
      await clock.advance(20_000)
      expect(cluster.countModeChanges()).toBe(0)
      expect(cluster.degrees()).toEqual(Array(size).fill(size - 1)) // everybody with everybody
    }
    await grow(17)
    await clock.advance(20_000)
    expect(cluster.countModeChanges()).toBe(17)
    for (const size of [18, 200]) {
      await grow(size)
      expect(cluster.largestShare()).toBe(1)
      await clock.advance(20_000)
      cluster.countModeChanges()
    }
    await clock.advance(60_000)
    expect(cluster.countModeChanges()).toBe(0)
    await shrink(13)
    await clock.advance(20_000)
    expect(cluster.countModeChanges()).toBe(0)
    expect(cluster.largestShare()).toBe(1)
    await shrink(10)
    await clock.advance(60_000)
    expect(cluster.countModeChanges()).toBe(10)
    expect(cluster.degrees()).toEqual(Array(10).fill(9))
    expect(cluster.seen.degreeMax).toBeLessThanOrEqual(PEERS_MAX)
  }, 60_000)
})
