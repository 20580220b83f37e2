import { atMost, mean, quantile } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { churn, settleSwarm } from '../stage.ts'
import { trafficSince } from '../traffic.ts'

/** How long a node stays in the mean. */
const SESSION_MINUTES = 30
/** Long enough for every record to be renewed once or twice. */
const WATCHED_MINUTES = 30
const KIB = 1_024

export const traffic: Scenario = {
  name: 'traffic',
  summary: 'what a node sends to keep its place in the swarm, when nodes stay for 30 minutes in the mean',
  sizes: [100, 1_000],
  async run({ nodes, swarm: makeSwarm }) {
    const swarm = makeSwarm()
    await settleSwarm(swarm, nodes)
    churn(swarm, { perMinute: nodes / SESSION_MINUTES, silentShare: 0.5 })
    const before = swarm.nodes.map((node) => ({ node, traffic: node.host.traffic.copy(), calls: { ...node.calls } }))
    await swarm.clock.advance(WATCHED_MINUTES * 60_000)
    const living = before.filter(({ node }) => node.isAlive)
    const callsAMinute = (kind: 'begun' | 'reached' | 'refused') =>
      mean(living.map(({ node, calls }) => (node.calls[kind] - calls[kind]) / WATCHED_MINUTES))
    const spent = living.map(({ node, traffic: at }) => trafficSince(node.host.traffic, at))
    const perMinute = (kind: 'table' | 'signals' | 'other') => spent.map(({ bytes }) => bytes[kind] / KIB / WATCHED_MINUTES)
    const whole = spent.map(({ bytes }) => (bytes.table + bytes.signals + bytes.other) / KIB / WATCHED_MINUTES)
    return {
      bars: [atMost(nodes <= 100 ? 10 : 60, { what: 'sent by a node a minute, mean', measured: mean(whole), unit: 'KiB' })],
      figures: {
        'p95 of the nodes (KiB/min)': quantile(whole, 0.95),
        'table (KiB/min)': mean(perMinute('table')),
        'signals (KiB/min)': mean(perMinute('signals')),
        'other (KiB/min)': mean(perMinute('other')),
        'messages a minute': mean(
          spent.map(({ messages }) => (messages.table + messages.signals + messages.other) / WATCHED_MINUTES),
        ),
        'calls a minute': callsAMinute('begun'),
        'calls a minute, reached': callsAMinute('reached'),
        'calls a minute, refused': callsAMinute('refused'),
        'links, mean': mean(swarm.alive.map(({ peers }) => peers.size)),
      },
    }
  },
}
