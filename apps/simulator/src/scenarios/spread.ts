import type { SimulatedNode } from '../node.ts'
import { atMost, mean, type Outcome, quantile } from '../report.ts'
import type { RunOptions, Scenario } from '../scenario.ts'
import { churn, settleSwarm } from '../stage.ts'
import type { SimulatedSwarm } from '../swarm.ts'

/** Records published one after another, each by a node of its own. */
const ROUNDS = 20
const BETWEEN_MS = 5_000
const PUBLISHERS_TRIED = 200
const TRY_AGAIN_MS = 250
/** When everybody must have it. */
const ALL_MS = 30_000

/** A record's way through the swarm. */
interface Round {
  readonly publisher: SimulatedNode
  readonly seq: number
  readonly beginMs: number
  /** Who was there when it was published. */
  readonly audience: ReadonlySet<SimulatedNode>
  readonly seenMs: Map<SimulatedNode, number>
}

export const spread: Scenario = {
  name: 'spread',
  summary: 'a record is seen by 99 % of the nodes, without churn',
  sizes: [100, 1_000],
  async run(options) {
    const { times, everybody, links } = await measure(options, {})
    return {
      bars: [
        atMost(options.nodes <= 100 ? 0.4 : 0.6, { what: 'seen by 99 %, worst of all', measured: Math.max(...times), unit: 's' }),
      ],
      figures: { 'seen by 99 %, mean (s)': mean(times), 'had by all after 30 s, worst (share)': everybody, ...links },
    }
  },
}

export const spreadChurn: Scenario = {
  name: 'spread-churn',
  summary: 'the same with 10 % of the nodes going and coming a minute, and 1 % of the messages lost once',
  sizes: [100, 1_000],
  async run(options): Promise<Outcome> {
    const { times, everybody } = await measure(options, { churnShare: 0.1, lossShare: 0.01 })
    return {
      bars: [
        atMost(3, { what: 'seen by 99 %, worst of all', measured: Math.max(...times), unit: 's' }),
        atMost(0, { what: 'live nodes without it after 30 s', measured: 1 - everybody, unit: 'share' }),
      ],
      figures: { 'seen by 99 %, mean (s)': mean(times), 'seen by 99 %, p95 (s)': quantile(times, 0.95) },
    }
  },
}

async function measure(
  { nodes, swarm: makeSwarm }: RunOptions,
  { churnShare = 0, lossShare = 0 }: { churnShare?: number; lossShare?: number },
): Promise<{ times: readonly number[]; everybody: number; links: Record<string, number> }> {
  const swarm = makeSwarm()
  await settleSwarm(swarm, nodes)
  const rounds: Round[] = []
  swarm.onRecord = (node, record) => {
    for (const { publisher, seq, seenMs } of rounds) {
      if (record.id === publisher.id && record.seq >= seq && !seenMs.has(node)) seenMs.set(node, swarm.clock.nowMs)
    }
  }
  swarm.network.lossShare = lossShare
  if (churnShare > 0) churn(swarm, { perMinute: nodes * churnShare, silentShare: 0.5 })
  const results: { seconds: number; share: number }[] = []
  for (let count = 0; count < ROUNDS; count++) {
    const round = await publish(swarm, count)
    rounds.push(round)
    swarm.clock.after(ALL_MS, () => results.push(judge(round)))
    await swarm.clock.advance(BETWEEN_MS)
  }
  await swarm.clock.advance(ALL_MS)
  const counts = swarm.alive.map(({ peers }) => peers.size)
  const links = { 'links, mean': mean(counts), 'links, most': Math.max(...counts) }
  return { links, times: results.map(({ seconds }) => seconds), everybody: Math.min(...results.map(({ share }) => share)) }
}

/** By somebody whose damping lets it out at once; waits where nobody's does. */
async function publish(swarm: SimulatedSwarm, count: number): Promise<Round> {
  for (let tries = 0; tries < PUBLISHERS_TRIED; tries++) {
    const publisher = swarm.random.pick(swarm.alive.filter(({ isOpen, peers }) => isOpen && peers.size > 0))
    if (!publisher) throw new Error('nobody is left to publish')
    const audience = new Set(swarm.alive.filter((node) => node !== publisher && node.isOpen && node.peers.size > 0))
    const { seq } = publisher.table.own
    await publisher.table.publish({ info: `round ${count}` })
    if (publisher.table.own.seq > seq)
      return { publisher, seq: publisher.table.own.seq, beginMs: swarm.clock.nowMs, audience, seenMs: new Map() }
    await swarm.clock.advance(TRY_AGAIN_MS)
  }
  throw new Error('nobody may publish at once')
}

/** Of those who lived through it: when 99 % had seen it, and which part has it now. */
function judge({ beginMs, audience, seenMs }: Round): { seconds: number; share: number } {
  const living = [...audience].filter(({ isAlive }) => isAlive)
  const times = living.map((node) => (seenMs.get(node) ?? Number.POSITIVE_INFINITY) - beginMs)
  return { seconds: quantile(times, 0.99) / 1_000, share: times.filter(Number.isFinite).length / living.length }
}
