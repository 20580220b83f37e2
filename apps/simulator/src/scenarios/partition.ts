import { differentTables, largestShare } from '../measure.ts'
import type { SimulatedNode } from '../node.ts'
import { atMost } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { settleSwarm } from '../stage.ts'
import type { SimulatedSwarm } from '../swarm.ts'

const APART_MS = 300_000
const LOOK_MS = 250
const WATCHED_MS = 60_000
const SMALLER_SHARE = 0.4
const LOOK_AT_LINKS_MS = 10_000

export const partition: Scenario = {
  name: 'partition',
  summary: 'a cut of 60 to 40 for five minutes, without a server, heals from one link',
  sizes: [200, 1_000],
  async run({ nodes, swarm: makeSwarm }) {
    const swarm = makeSwarm()
    await settleSwarm(swarm, nodes)
    const island = swarm.random.shuffle(swarm.alive).slice(0, Math.round(nodes * SMALLER_SHARE))
    swarm.server?.stop()
    swarm.split(island)
    await swarm.clock.advance(APART_MS)
    const tablesApart = differentTables(swarm.alive)
    swarm.unite()
    const mainland = swarm.alive.filter((node) => !island.includes(node))
    await introduce(swarm.random.pick(island), swarm.random.pick(mainland))
    const { wholeAfterMs, equalAfterMs, linksAfter10s } = await watch(swarm, new Set(island))
    return {
      bars: [
        atMost(10, { what: 'one piece after one link', measured: wholeAfterMs / 1_000, unit: 's' }),
        atMost(30, { what: 'tables equal after one link', measured: equalAfterMs / 1_000, unit: 's' }),
      ],
      figures: { 'different tables before': tablesApart, 'links across after 10 s': linksAfter10s },
    }
  },
}

/** One link, made by whatever brings two nodes together. */
async function introduce(one: SimulatedNode | undefined, other: SimulatedNode | undefined): Promise<void> {
  if (one && other) await one.connect(other)
}

async function watch(swarm: SimulatedSwarm, island: ReadonlySet<SimulatedNode>) {
  let wholeAfterMs = Number.NaN
  let equalAfterMs = Number.NaN
  let linksAfter10s = 0
  for (let afterMs = 0; afterMs <= WATCHED_MS; afterMs += LOOK_MS) {
    if (largestShare(swarm.alive) < 1) wholeAfterMs = Number.NaN
    else if (Number.isNaN(wholeAfterMs)) wholeAfterMs = afterMs
    // Tables differ again with every refresh; what counts is that they have been equal.
    if (Number.isNaN(equalAfterMs) && differentTables(swarm.alive) === 1) equalAfterMs = afterMs
    if (afterMs === LOOK_AT_LINKS_MS) linksAfter10s = linksAcross(swarm, island)
    await swarm.clock.advance(LOOK_MS)
  }
  return { wholeAfterMs, equalAfterMs, linksAfter10s }
}

function linksAcross(swarm: SimulatedSwarm, island: ReadonlySet<SimulatedNode>): number {
  let count = 0
  for (const { connected } of island) {
    for (const { publicKey } of connected) if (!island.has(swarm.find(publicKey) as SimulatedNode)) count++
  }
  return count
}
