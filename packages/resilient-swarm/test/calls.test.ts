import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createCalls, type Search } from '../src/calls.ts'
import { createHistory } from '../src/history.ts'

const bob = createKeyPair().peerId
const busy = new SwarmError('No room.', { code: 'ERR_PEER_BUSY', retryable: true })

function callsOfAlice() {
  const runtime = createTestRuntime()
  const searches: Search[] = []
  const givenUp: string[] = []
  const calls = createCalls({
    runtime,
    history: createHistory(runtime.clock),
    seek: (_, search) => {
      searches.push(search)
      return new Promise(() => {})
    },
    onGivenUp: (_, { code }) => givenUp.push(code),
  })
  return { runtime, calls, searches, givenUp }
}

describe('a wish of the mesh', () => {
  it('ends when the peer has no room, and the search with it', async () => {
    const { calls, searches, givenUp } = callsOfAlice()
    const wish = calls.call(bob, { timeoutMs: 1_000, isForMesh: true })
    expect(calls.isForMesh(bob)).toBe(true)
    searches[0]?.onBusy(busy)
    await expect(wish).rejects.toBe(busy)
    expect([calls.size, givenUp, searches[0]?.signal.aborted]).toEqual([0, ['ERR_PEER_BUSY'], true])
    expect(calls.isForMesh(bob)).toBe(false)
  })

  it('takes nothing from a wish of the application for the same peer, which goes on', async () => {
    const { runtime, calls, searches, givenUp } = callsOfAlice()
    const ofMesh = calls.call(bob, { timeoutMs: 1_000, isForMesh: true })
    const ofUser = calls.call(bob, { timeoutMs: 1_000 })
    expect(calls.isForMesh(bob)).toBe(false)
    searches[0]?.onBusy(busy)
    await expect(ofMesh).rejects.toBe(busy)
    expect([calls.size, givenUp, searches]).toEqual([1, [], [expect.anything()]])
    const late = expect(ofUser).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    await runtime.clock.advance(1_000)
    await late
  })
})
