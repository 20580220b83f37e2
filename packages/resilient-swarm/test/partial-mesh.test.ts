import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Swarm } from '../src/index.ts'
import { next } from './nodes.ts'
import { callAndLetGo, joinPartialMesh, nodes, PEERS_MAX, unlinkedPairs } from './partial-mesh-people.ts'

const NODES = 20
afterAll(() => nodes.end(), 60_000)

describe(`${NODES} swarms in one process`, () => {
  let swarms: readonly Swarm[] = []
  let skip: (ms: number) => void

  beforeAll(async () => {
    ;({ swarms, skip } = await joinPartialMesh(NODES))
  }, 120_000)

  it('know each other, all of them, though each keeps links to some', async () => {
    const released = Promise.any(swarms.map((swarm) => next(swarm, 'peer-left')))
    skip(61_000)
    expect((await released)[1]).toBe('released')
    expect(unlinkedPairs(swarms).length).toBeGreaterThan(0)
    for (const { table, peers } of swarms) {
      expect(table.records).toHaveLength(NODES)
      expect(peers.length).toBeLessThanOrEqual(PEERS_MAX)
    }
  }, 60_000)

  it('a call reaches one that there is no link to, and the link goes when nobody has used it for a minute', async () => {
    // Some of these links may be worth keeping to either end; hardly all of them.
    const called = await Promise.all(unlinkedPairs(swarms).slice(0, 6).map(callAndLetGo))
    skip(61_000)
    const { alice, bob, peer } = await Promise.race(called.map(async (one) => one.released.then(() => one)))
    const again = await alice.call(bob.publicKey) // at once, though alice may not have heard yet that bob has
    expect(again).not.toBe(peer)
    expect(await again.rpc.ping()).toBeGreaterThan(0)
  }, 90_000)
})
