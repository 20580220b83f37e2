import { atMost } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { churn, settleSwarm } from '../stage.ts'

const WHOLE_MS = 300_000
const SESSION_MINUTES = 30
const MIB = 1_024 * 1_024

/** 1,000 nodes for five virtual minutes have to be simulated in a minute; beyond that there is no promise, only figures. */
const PROMISED_NODES = 1_000

export const scale: Scenario = {
  name: 'scale',
  summary: 'five virtual minutes of a swarm whose nodes stay for 30 minutes in the mean; how long that takes here',
  sizes: [1_000, 2_000],
  async run({ nodes, swarm: makeSwarm }) {
    const beginMs = performance.now()
    const swarm = makeSwarm()
    await settleSwarm(swarm, nodes)
    const formedMs = performance.now()
    churn(swarm, { perMinute: nodes / SESSION_MINUTES, silentShare: 0.5 })
    await swarm.clock.advance(WHOLE_MS)
    const endMs = performance.now()
    const { heapUsed, rss } = process.memoryUsage()
    const bars =
      nodes <= PROMISED_NODES
        ? [atMost(60, { what: 'real time for five virtual minutes', measured: (endMs - formedMs) / 1_000, unit: 's' })]
        : []
    return {
      bars,
      figures: {
        'before it, real time of forming (s)': (formedMs - beginMs) / 1_000,
        'heap (MiB)': heapUsed / MIB,
        'resident (MiB)': rss / MIB,
        'things that happened': swarm.clock.happened,
        'messages delivered': swarm.trace.deliveries,
      },
    }
  },
}
