import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Clock, createRuntime, type Runtime } from '@resilient-swarm/contract'
import type { Swarm } from '../src/index.ts'
import { connected, createNodes, next } from './nodes.ts'

const NODES = 20
const PEERS_MAX = 24
/** Of the twelve that each wants some may be under way still. */
const LINKS_MIN = 10
const nodes = createNodes()
afterAll(() => nodes.end(), 60_000)

/** Real time that can be put forward: what waits for timers still waits, what compares times sees them pass. */
function createSkippingRuntime() {
  const real = createRuntime()
  let skippedMs = 0
  const clock: Clock = { ...real.clock, monotonic: () => real.clock.monotonic() + skippedMs }
  const runtime: Runtime = { ...real, clock }
  return { runtime, skip: (ms: number) => (skippedMs += ms) }
}

/** Resolves once it holds for all; looks again whenever a record or peer comes to somebody. */
function whenAll(swarms: readonly Swarm[], holds: (swarm: Swarm) => boolean): Promise<void> {
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

describe(`${NODES} swarms in one process`, () => {
  const time = createSkippingRuntime()
  let swarms: readonly Swarm[] = []

  beforeAll(async () => {
    const server = await nodes.serve()
    swarms = Array.from({ length: NODES }, () =>
      nodes.join({ signals: [server.url], runtime: time.runtime, peersMax: PEERS_MAX, relay: { serve: false } }),
    )
    await Promise.all(swarms.map(({ ready }) => ready))
    const [first, ...others] = swarms as [Swarm, ...Swarm[]]
    for (const swarm of others) await swarm.call(first.publicKey)
    await whenAll(swarms, ({ table }) => table.records.length === NODES)
    await whenAll(swarms, ({ peers }) => peers.length >= LINKS_MIN)
  }, 120_000)

  const isLinked = (one: Swarm, other: Swarm) => one.peers.some(({ publicKey }) => publicKey === other.publicKey)
  const unlinkedPairs = () =>
    swarms
      .flatMap((one, index) => swarms.slice(index + 1).map((other) => [one, other] as const))
      .filter(([one, other]) => !isLinked(one, other))

  it('know each other, all of them, though each keeps links to some', async () => {
    const released = Promise.any(swarms.map((swarm) => next(swarm, 'peer-left')))
    time.skip(61_000)
    expect((await released)[1]).toBe('released')
    expect(unlinkedPairs().length).toBeGreaterThan(0)
    for (const { table, peers } of swarms) {
      expect(table.records).toHaveLength(NODES)
      expect(peers.length).toBeLessThanOrEqual(PEERS_MAX)
    }
  }, 60_000)

  it('a call reaches one that there is no link to, and the link goes when nobody has used it for a minute', async () => {
    /** Alice calls bob; resolves when bob is told that alice was released. */
    async function callAndLetGo([alice, bob]: readonly [Swarm, Swarm]) {
      const met = connected(bob, alice)
      const peer = await alice.call(bob.publicKey)
      expect(await peer.rpc.ping()).toBeGreaterThan(0)
      await met
      const released = new Promise<void>((resolve) => {
        bob.on('peer-left', (who, reason) => {
          if (who.publicKey === alice.publicKey && reason === 'released') resolve()
        })
      })
      return { alice, bob, peer, released }
    }
    // Some of these links may be worth keeping to either end; hardly all of them.
    const called = await Promise.all(unlinkedPairs().slice(0, 6).map(callAndLetGo))
    time.skip(61_000)
    const { alice, bob, peer } = await Promise.race(called.map(async (one) => one.released.then(() => one)))
    const again = await alice.call(bob.publicKey) // at once, though alice may not have heard yet that bob has
    expect(again).not.toBe(peer)
    expect(await again.rpc.ping()).toBeGreaterThan(0)
  }, 90_000)
})
