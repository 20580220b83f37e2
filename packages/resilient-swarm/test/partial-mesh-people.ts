// Swarms enough for a partial mesh, in one process, and a clock that can be put forward.
import { type Clock, createRuntime, type Runtime } from '@resilient-swarm/contract'
import type { Swarm } from '../src/index.ts'
import { connected, createNodes } from './nodes.ts'

export const PEERS_MAX = 24
/** Of the twelve that each wants some may be under way still. */
const LINKS_MIN = 10
/** Of one test file, which ends them. */
export const nodes = createNodes()

/** Real time that can be put forward: what waits for timers still waits, what compares times sees them pass. */
function createSkippingRuntime() {
  const real = createRuntime()
  let skippedMs = 0
  const clock: Clock = { ...real.clock, monotonic: () => real.clock.monotonic() + skippedMs }
  const runtime: Runtime = { ...real, clock }
  return { runtime, skip: (ms: number) => (skippedMs += ms) }
}

/** Resolves once it holds for all; looks again whenever a record or peer comes to somebody. */
export function whenAll(swarms: readonly Swarm[], holds: (swarm: Swarm) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!swarms.every(holds)) return
      for (const swarm of swarms) swarm.off('record', look).off('peer', look).off('peer-left', look)
      resolve()
    }
    for (const swarm of swarms) swarm.on('record', look).on('peer', look).on('peer-left', look)
    look()
  })
}

/** So many who know each other and have most of their links. */
export async function joinPartialMesh(count: number) {
  const { runtime, skip } = createSkippingRuntime()
  const server = await nodes.serve()
  const swarms = Array.from({ length: count }, () =>
    nodes.join({ signals: [server.url], runtime, peersMax: PEERS_MAX, relay: { serve: false } }),
  )
  await Promise.all(swarms.map(({ ready }) => ready))
  const [first, ...others] = swarms as [Swarm, ...Swarm[]]
  for (const swarm of others) await swarm.call(first.publicKey)
  await whenAll(swarms, ({ table }) => table.records.length === count)
  await whenAll(swarms, ({ peers }) => peers.length >= LINKS_MIN)
  return { swarms, skip }
}

export function isLinked(one: Swarm, other: Swarm): boolean {
  return one.peers.some(({ publicKey }) => publicKey === other.publicKey)
}

export function unlinkedPairs(swarms: readonly Swarm[]): (readonly [Swarm, Swarm])[] {
  return swarms
    .flatMap((one, index) => swarms.slice(index + 1).map((other) => [one, other] as const))
    .filter(([one, other]) => !isLinked(one, other))
}

/** Alice calls bob and uses the link no more; `released` resolves when bob is told that she was let go. */
export async function callAndLetGo([alice, bob]: readonly [Swarm, Swarm]) {
  const met = connected(bob, alice)
  const peer = await alice.call(bob.publicKey)
  await peer.rpc.ping()
  await met
  const released = new Promise<void>((resolve) => {
    bob.on('peer-left', (who, reason) => {
      if (who.publicKey === alice.publicKey && reason === 'released') resolve()
    })
  })
  return { alice, bob, peer, released }
}
