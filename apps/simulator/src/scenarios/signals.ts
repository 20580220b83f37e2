import { atLeast, quantile } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { settleSwarm } from '../stage.ts'

const CASES = [
  { percent: 10, shareMin: 0.999 },
  { percent: 30, shareMin: 0.99 },
]
/** Signals sent, one after another; a thousandth of them is two. */
const SIGNALS = 2_000
const BETWEEN_MS = 25
const WITHIN_MS = 2_000
/** After the death: links to the dead are noticed and gone, but records tell of them still. */
const AFTER_DEATH_MS = 0

export const signals: readonly Scenario[] = CASES.map(({ percent, shareMin }) => ({
  name: `signals-${percent}`,
  summary: `signals to random nodes without a server, where ${percent} % of those in the tables are dead`,
  sizes: [1_000],
  async run({ nodes, swarm: makeSwarm }) {
    const swarm = makeSwarm()
    await settleSwarm(swarm, nodes)
    swarm.server?.stop()
    for (const node of swarm.random.shuffle(swarm.alive).slice(0, Math.round((nodes * percent) / 100))) node.kill()
    await swarm.clock.advance(AFTER_DEATH_MS)
    const takenMs: number[] = []
    let sent = 0
    for (; sent < SIGNALS; sent++) {
      const from = swarm.random.pick(swarm.alive)
      const to = swarm.random.pick(swarm.alive.filter((node) => node !== from))
      if (from && to) void from.probe(to).then((afterMs) => takenMs.push(afterMs))
      await swarm.clock.advance(BETWEEN_MS)
    }
    await swarm.clock.advance(WITHIN_MS)
    const inTime = takenMs.filter((afterMs) => afterMs <= WITHIN_MS)
    return {
      bars: [
        atLeast(shareMin, { what: `delivered within ${WITHIN_MS / 1_000} s`, measured: inTime.length / sent, unit: 'share' }),
      ],
      figures: { 'median (ms)': quantile(takenMs, 0.5), 'p99 (ms)': quantile(takenMs, 0.99), signals: sent },
    }
  },
}))
