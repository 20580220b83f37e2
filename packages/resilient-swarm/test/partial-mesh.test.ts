import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Clock, createRuntime, type Runtime } from '@resilient-swarm/contract'
import type { Peer, Swarm } from '../src/index.ts'
import { connected, createNodes, next } from './nodes.ts'

const NODES = 20
const PEERS_MAX = 24
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
  }, 120_000)

  const isLinked = (one: Swarm, other: Swarm) => one.peers.some(({ publicKey }) => publicKey === other.publicKey)
  const unlinkedPair = () =>
    swarms
      .flatMap((one) => swarms.map((other) => [one, other] as const))
      .find(([one, other]) => one !== other && !isLinked(one, other))

  it('know each other, all of them, though each keeps links to some', async () => {
    const released = Promise.any(swarms.map((swarm) => next(swarm, 'peer-left')))
    time.skip(61_000)
    expect((await released)[1]).toBe('released')
    expect(unlinkedPair()).toBeDefined()
    for (const { table, peers } of swarms) {
      expect(table.records).toHaveLength(NODES)
      expect(peers.length).toBeGreaterThanOrEqual(8)
      expect(peers.length).toBeLessThanOrEqual(PEERS_MAX)
    }
  }, 60_000)

  it('a call reaches one that there is no link to, and the link goes when nobody has used it for a minute', async () => {
    const [alice, bob] = unlinkedPair() as readonly [Swarm, Swarm]
    const met = connected(bob, alice)
    const peer = await alice.call(bob.publicKey)
    expect(await peer.rpc.ping()).toBeGreaterThan(0)
    await met
    const left = new Promise<[Peer, string]>((resolve) => {
      const listen = (who: Peer, reason: string) => {
        if (who.publicKey !== alice.publicKey) return
        bob.off('peer-left', listen)
        resolve([who, reason])
      }
      bob.on('peer-left', listen)
    })
    time.skip(61_000)
    expect((await left)[1]).toBe('released')
    expect(isLinked(alice, bob)).toBe(false)
    const again = await alice.call(bob.publicKey)
    expect(again).not.toBe(peer)
    expect(await again.rpc.ping()).toBeGreaterThan(0)
  }, 90_000)
})
