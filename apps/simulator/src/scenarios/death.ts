import { componentsOf, largestShare } from '../measure.ts'
import { atLeast } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { settleSwarm } from '../stage.ts'

interface Disaster {
  readonly percent: number
  readonly withinMs: number
  readonly shareMin: number
}

const DISASTERS: readonly Disaster[] = [
  { percent: 50, withinMs: 5_000, shareMin: 1 },
  { percent: 80, withinMs: 30_000, shareMin: 0.999 },
  { percent: 90, withinMs: 60_000, shareMin: 0.99 },
]
/** For how long it is watched how the survivors find together again. */
const WATCHED_MS = 90_000
const LOOK_MS = 500

export const deaths: readonly Scenario[] = DISASTERS.map(({ percent, withinMs, shareMin }) => ({
  name: `death-${percent}`,
  summary: `${percent} % of the nodes fall silent at once; the survivors hold together`,
  sizes: [1_000],
  async run({ nodes, swarm: makeSwarm }) {
    const swarm = makeSwarm()
    await settleSwarm(swarm, nodes)
    const dying = swarm.random.shuffle(swarm.alive).slice(0, Math.round((nodes * percent) / 100))
    for (const node of dying) node.kill()
    const shareAtOnce = largestShare(swarm.alive)
    let share = 0
    let wholeAfterMs = Number.NaN
    for (let afterMs = LOOK_MS; afterMs <= WATCHED_MS; afterMs += LOOK_MS) {
      await swarm.clock.advance(LOOK_MS)
      const now = largestShare(swarm.alive)
      if (afterMs <= withinMs) share = now
      if (now < 1) wholeAfterMs = Number.NaN
      else if (Number.isNaN(wholeAfterMs)) wholeAfterMs = afterMs
    }
    return {
      bars: [atLeast(shareMin, { what: `survivors in one piece ${withinMs / 1_000} s later`, measured: share, unit: 'share' })],
      figures: {
        'in one piece at once (share)': shareAtOnce,
        'all in one piece after (s)': wholeAfterMs / 1_000,
        'pieces at the end': componentsOf(swarm.alive).length,
      },
    }
  },
}))
