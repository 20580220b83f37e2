import { largestShare } from './measure.ts'
import type { SimulatedNode } from './node.ts'
import type { SimulatedSwarm } from './swarm.ts'

/** Joins until there are so many nodes alive, evenly spread over the time. */
export async function grow(swarm: SimulatedSwarm, { nodes, overMs }: { nodes: number; overMs: number }): Promise<void> {
  const missing = nodes - swarm.alive.length
  const beginMs = swarm.clock.nowMs
  for (let count = 1; count <= missing; count++) {
    await swarm.join()
    await swarm.clock.advanceTo(beginMs + (overMs * count) / missing)
  }
}

/** How long a swarm needs to come to rest: its last joiners' links are told, and damped news are out. */
const REST_MS = 90_000

/**
 * A swarm of so many nodes at rest, and in one piece. They know each other from an earlier life: a thousand who join one by one
 * tell each other of everybody, which is simulated where that is the question.
 */
export async function settleSwarm(swarm: SimulatedSwarm, nodes: number): Promise<void> {
  await swarm.wake(nodes, { overMs: nodes * WAKE_EVERY_MS })
  await swarm.clock.advance(REST_MS)
  const share = largestShare(swarm.alive)
  if (share < 1) throw new Error(`the swarm is not in one piece before it begins: ${share} of it is`)
}

/** Between the beginnings of two nodes while a swarm is formed: a thousand in ten seconds. */
const WAKE_EVERY_MS = 10

export interface ChurnOptions {
  /** Nodes that go in a minute, and as many that come. */
  readonly perMinute: number
  /** Which part of those that go does so without a word. */
  readonly silentShare: number
  /** Who stays. */
  readonly spared?: ReadonlySet<SimulatedNode>
}

const MINUTE_MS = 60_000

/** Nodes come and go at times that have nothing to do with each other, until the returned function is called. */
export function churn(swarm: SimulatedSwarm, { perMinute, silentShare, spared = new Set() }: ChurnOptions): () => void {
  const random = swarm.random.fork('churn')
  let stopped = false

  function again(act: () => void): void {
    swarm.clock.after(random.exponential(MINUTE_MS / perMinute), () => {
      if (stopped) return
      act()
      again(act)
    })
  }
  again(() => void swarm.join())
  again(() => {
    const leaving = random.pick(swarm.alive.filter((node) => !spared.has(node) && node.isOpen))
    if (!leaving) return
    if (random.fraction() < silentShare) leaving.kill()
    else void leaving.close()
  })
  return () => {
    stopped = true
  }
}
