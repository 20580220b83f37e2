import { afterEach, describe, expect, it } from '@jest/globals'
import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { isLarger } from '../src/choose-calls.ts'
import type { LinkRole } from '../src/choose-links.ts'
import { MAKE_ROOM_MS, MESH_RETRY_MS_MAX, MESH_STAYED_MS, PARTIAL_ABOVE_NODES } from '../src/limits.ts'
import { createLinkGraph } from '../src/link-graph.ts'
import { createMeshKeeper } from '../src/mesh-keeper.ts'
import { createIds } from './virtual-swarm.ts'

const keys = [createKeyPair().peerId, createKeyPair().peerId] as const
const [mallory, alice] = isLarger(keys[0], keys[1]) ? [keys[1], keys[0]] : keys
const MINUTE_MS = 60_000
const scopes: Scope[] = []
afterEach(() => Promise.all(scopes.splice(0).map((scope) => scope.close())))

/** Alice, who knows mallory; mallory takes each call and leaves after so long. */
function whoStays(stayMs: number) {
  const runtime = createTestRuntime()
  const { clock } = runtime
  const scope = new Scope()
  scopes.push(scope)
  const connected = new Set<PeerId>()
  const seen = { calls: 0 }
  const mesh = createMeshKeeper({
    self: alice,
    runtime,
    scope,
    peersMax: 64,
    callsMax: 8,
    graph: createLinkGraph({ linksOf: () => [] }),
    isAlive: () => true,
    isRelay: () => false,
    peers: () => [...connected].map((id) => ({ id, rttMs: 1, isUp: true, idleMs: 0 })),
    isConnected: (id) => connected.has(id),
    isCalling: () => false,
    calling: () => 0,
    async call(id) {
      seen.calls++
      connected.add(id)
      clock.setTimer(stayMs, () => {
        connected.delete(id)
        mesh.nudge()
      })
    },
    release: async () => false,
  })
  mesh.learn(mallory)
  return { clock, seen, mesh }
}

describe('a peer who takes calls and leaves', () => {
  it('is called with the same pauses as one who cannot be reached', async () => {
    const { clock, seen } = whoStays(1)
    for (let passedMs = 0; passedMs < 10 * MINUTE_MS; passedMs += 100) await clock.advance(100)
    expect(seen.calls).toBeGreaterThan(6)
    expect(seen.calls).toBeLessThanOrEqual(7 + (10 * MINUTE_MS) / (0.75 * MESH_RETRY_MS_MAX))
  })

  it('is called at once when they had stayed', async () => {
    const { clock, seen } = whoStays(MESH_STAYED_MS)
    for (let passedMs = 0; passedMs < MINUTE_MS; passedMs += 100) await clock.advance(100)
    expect(seen.calls).toBeGreaterThanOrEqual(5)
  })
})

const PLACES = 24

/** Alice with every place taken, in a partial mesh; whoever calls takes the place that is made. */
async function fullHouse() {
  const { clock, random, log } = createTestRuntime({ seed: 5 })
  const scope = new Scope()
  scopes.push(scope)
  const ids = createIds(200)
  const given = new Set<LinkRole | undefined>()
  const connected = new Set(ids.slice(0, PLACES))
  const inUse = new Set<PeerId>()
  const mesh = createMeshKeeper({
    self: alice,
    runtime: { clock, random, log },
    scope,
    peersMax: PLACES,
    callsMax: 8,
    graph: createLinkGraph({ linksOf: () => [] }),
    isAlive: () => true,
    isRelay: () => false,
    peers: () => [...connected].map((id) => ({ id, rttMs: 1, isUp: true, idleMs: inUse.has(id) ? 0 : Number.POSITIVE_INFINITY })),
    isConnected: (id) => connected.has(id),
    isCalling: () => false,
    calling: () => 0,
    call: () => Promise.reject(new Error('nobody')),
    async release(id, { isForced }) {
      if (isForced) given.add(mesh.roleOf(id))
      return isForced && connected.delete(id)
    },
  })
  for (const id of ids) mesh.learn(id)
  await clock.advance(1)
  expect(ids.length).toBeGreaterThan(PARTIAL_ABOVE_NODES)
  const free = () => [...connected].filter((id) => mesh.roleOf(id) === undefined)
  const call = (id: PeerId) => {
    if (connected.has(id) || !mesh.makeRoom(id)) return false
    connected.add(id)
    return true
  }
  return { clock, ids, connected, inUse, given, free, call }
}

describe('a full node that somebody calls', () => {
  it('gives the younger half of its free places to a sample of all who ever call, not to those who call most often', async () => {
    const { clock, ids, connected, free, call } = await fullHouse()
    const old = free().slice(0, free().length >> 1)
    const mallory = ids.slice(PLACES, 70)
    const flood = async () => {
      for (let round = 0; round < 50; round++) {
        for (const id of mallory) call(id)
        await clock.advance(1_000)
      }
    }
    await flood()
    const honest = ids.slice(70)
    const taken = honest.filter(call) // each calls once, when mallory's have called fifty times
    expect(taken.length).toBeGreaterThanOrEqual(3) // without lots it is one in 5 s
    await flood()
    expect(free().filter((id) => honest.includes(id)).length).toBeGreaterThanOrEqual(2)
    // What there was before the flood stays, but for those that roles push over the middle.
    expect(old.filter((id) => connected.has(id)).length).toBeGreaterThanOrEqual(old.length - 2)
  })

  it('gives up one at most in 5 s for whoever has no better lot, and none that is needed or in use', async () => {
    const { clock, ids, inUse, connected, given, call } = await fullHouse()
    const callers = ids.slice(PLACES)
    while (callers.some(call)) {} // nobody is left who has a better lot than the worst there
    await clock.advance(MAKE_ROOM_MS)
    const before = new Set(connected)
    expect(callers.some(call)).toBe(true)
    expect([...before].filter((id) => !connected.has(id))).toHaveLength(1)
    for (const id of connected) inUse.add(id)
    await clock.advance(MAKE_ROOM_MS)
    expect(callers.some(call)).toBe(false)
    expect([...given]).toEqual([undefined])
  })
})

describe('a keeper that is told nothing', () => {
  it('looks around a few times a minute, and not at all once its scope is closed', async () => {
    const { clock, mesh, seen } = whoStays(Number.MAX_SAFE_INTEGER)
    await clock.advance(MINUTE_MS)
    expect(seen.calls).toBe(1)
    mesh.forget(mallory)
    await Promise.all(scopes.splice(0).map((scope) => scope.close()))
    expect(clock.pending).toBe(1) // the call's own
    mesh.nudge()
    await clock.advance(MINUTE_MS)
    expect(seen.calls).toBe(1)
  })
})
