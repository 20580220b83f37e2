import { afterEach, describe, expect, it } from '@jest/globals'
import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { isLarger } from '../src/choose-calls.ts'
import { MESH_RETRY_MS_MAX, MESH_STAYED_MS } from '../src/limits.ts'
import { createLinkGraph } from '../src/link-graph.ts'
import { createMeshKeeper } from '../src/mesh-keeper.ts'

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
