import { describe, expect, it } from '@jest/globals'
import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { isLarger } from '../src/choose-links.ts'
import { MESH_RETRY_MS_MAX, MESH_STAYED_MS } from '../src/limits.ts'
import { createMeshKeeper } from '../src/mesh-keeper.ts'

const keys = [createKeyPair().peerId, createKeyPair().peerId] as const
const [mallory, alice] = isLarger(keys[0], keys[1]) ? [keys[1], keys[0]] : keys
const MINUTE_MS = 60_000

/** Alice, who knows mallory; mallory takes each call and leaves after so long. */
function whoStays(stayMs: number) {
  const { clock } = createTestRuntime()
  const scope = new Scope()
  const connected = new Set<PeerId>()
  const seen = { calls: 0 }
  const mesh = createMeshKeeper({
    self: alice,
    clock,
    scope,
    peersMax: 64,
    callsMax: 8,
    known: () => [alice, mallory],
    isConnected: (id) => connected.has(id),
    isCalling: () => false,
    connected: () => connected.size,
    calling: () => 0,
    async call(id) {
      seen.calls++
      connected.add(id)
      mesh.nudge()
      clock.setTimer(stayMs, () => {
        connected.delete(id)
        mesh.nudge()
      })
    },
  })
  return { clock, scope, seen }
}

describe('a peer who takes calls and leaves', () => {
  it('is called with the same pauses as one who cannot be reached', async () => {
    const { clock, scope, seen } = whoStays(1)
    for (let passedMs = 0; passedMs < 10 * MINUTE_MS; passedMs += 100) await clock.advance(100)
    expect(seen.calls).toBeGreaterThan(6)
    expect(seen.calls).toBeLessThanOrEqual(7 + (10 * MINUTE_MS) / MESH_RETRY_MS_MAX)
    await scope.close()
  })

  it('is called at once when they had stayed', async () => {
    const { clock, scope, seen } = whoStays(MESH_STAYED_MS)
    for (let passedMs = 0; passedMs < MINUTE_MS; passedMs += 100) await clock.advance(100)
    expect(seen.calls).toBeGreaterThanOrEqual(5)
    await scope.close()
  })
})
