import { largestShare } from '../measure.ts'
import type { SimulatedNode } from '../node.ts'
import { atMost } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { grow } from '../stage.ts'
import type { SimulatedSwarm } from '../swarm.ts'

const LOOK_MS = 250
const SECOND_MS = 1_000

/** What is seen of a swarm while it grows and shrinks. */
class Watch {
  linksMax = 0
  apart = 0
  looks = 0
  readonly #swarm: SimulatedSwarm
  readonly #modes = new Map<SimulatedNode, { mode: string; changes: number }>()
  /** A joiner belongs to the swarm from its first link on. */
  readonly #members = new Set<SimulatedNode>()

  constructor(swarm: SimulatedSwarm) {
    this.#swarm = swarm
    this.#look()
  }

  /** How often a node went from full to partial or back, the worst of all. */
  get changesMax(): number {
    return Math.max(0, ...[...this.#modes.values()].map(({ changes }) => changes))
  }

  #lookAtMode(node: SimulatedNode): void {
    const { mode } = node.mesh
    const seen = this.#modes.get(node) ?? { mode, changes: 0 }
    if (seen.mode !== mode) seen.changes++
    seen.mode = mode
    this.#modes.set(node, seen)
  }

  #look(): void {
    const { alive, clock } = this.#swarm
    for (const node of alive) {
      if (node.connected.length > 0) this.#members.add(node)
      this.linksMax = Math.max(this.linksMax, node.peers.size)
      this.#lookAtMode(node)
    }
    const members = alive.filter((node) => this.#members.has(node))
    this.looks++
    if (members.length > 1 && largestShare(members) < 1) this.apart++
    clock.after(LOOK_MS, () => this.#look())
  }
}

export const growth: Scenario = {
  name: 'growth',
  summary: '1, 16, 17, 200 and then 10 nodes: full and partial mesh give way to each other once, and nothing falls apart',
  sizes: [200],
  async run({ nodes, swarm: makeSwarm }) {
    const swarm = makeSwarm()
    const watch = new Watch(swarm)
    const steps: [number, number][] = [
      [1, 1],
      [16, 30],
      [17, 30],
      [nodes, nodes / 4],
    ]
    const changes: Record<string, number> = {}
    for (const [count, seconds] of steps) {
      await grow(swarm, { nodes: count, overMs: seconds * SECOND_MS })
      await swarm.clock.advance(60 * SECOND_MS)
      changes[`mode changes a node until ${count}, worst`] = watch.changesMax
    }
    while (swarm.alive.length > 10) {
      const leaving = swarm.random.pick(swarm.alive)
      void leaving?.close()
      await swarm.clock.advance((nodes * SECOND_MS) / 4 / (nodes - 10))
    }
    await swarm.clock.advance(120 * SECOND_MS)
    const last = swarm.alive
    const { peersMax } = last[0] as SimulatedNode
    return {
      bars: [
        atMost(2, {
          what: 'changes between full and partial, worst node',
          measured: watch.changesMax,
          unit: '',
        }),
        atMost(peersMax, { what: 'links of a node, most at any time', measured: watch.linksMax, unit: '' }),
        atMost(0, { what: 'moments in which the swarm was in pieces', measured: watch.apart, unit: `of ${watch.looks}` }),
        atMost(0, {
          what: 'links missing in the full mesh of the last ten',
          measured: last.reduce((sum, { peers }) => sum + last.length - 1 - peers.size, 0),
          unit: '',
        }),
      ],
      figures: changes,
    }
  },
}
