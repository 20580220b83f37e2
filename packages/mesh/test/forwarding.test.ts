import { describe, expect, it } from '@jest/globals'
import { encodeBase64Url } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { chooseForwarders, createForwarder, type Neighbour } from '../src/forwarding.ts'
import { FORWARDERS_MAX, FORWARDS_BURST, FORWARDS_PER_SECOND } from '../src/limits.ts'
import type { SealedBox } from '../src/sealed-box.ts'

const [alice, bob, carol] = [createKeyPair().peerId, createKeyPair().peerId, createKeyPair().peerId]
const id = '0123456789abcdef'.repeat(2)
const box = encodeBase64Url(new Uint8Array(1024))

function forwarderOfAlice() {
  const runtime = createTestRuntime()
  const received: SealedBox[] = []
  const forwarded: unknown[][] = []
  const neighbour: Neighbour = { id: bob, rttMs: 1, signal: async (...sent) => void forwarded.push(sent) }
  const forward = createForwarder({
    self: alice,
    runtime,
    find: (to) => (to === bob ? neighbour : undefined),
    receive: (arrived) => void received.push(arrived),
  })
  return { runtime, received, forwarded, forward }
}

describe('the forwarder of a neighbour', () => {
  it('takes what is for us and hands on what is for a peer of ours', async () => {
    const { forward, received, forwarded } = forwarderOfAlice()
    await forward(alice, id, box)
    await forward(bob, id, box)
    expect(received).toEqual([{ to: alice, id, box: new Uint8Array(1024) }])
    expect(forwarded).toEqual([[bob, id, box]])
  })

  it('refuses somebody it is not connected to', async () => {
    await expect(forwarderOfAlice().forward(carol, id, box)).rejects.toMatchObject({ code: 'ERR_SIGNAL_NO_ROUTE' })
  })

  it.each([
    ['a key that is none', ['rs1', id, box]],
    ['a number for a key', [7, id, box]],
    ['a short id', [alice, 'abc', box]],
    ['an id in capitals', [alice, id.toUpperCase(), box]],
    ['a box that is no text', [alice, id, {}]],
    ['a box over the most', [alice, id, 'A'.repeat(16_385)]],
    ['a box that is no base64url', [alice, id, '?']],
  ])('refuses %s', async (_, [to, sentId, sentBox]) => {
    const { forward, received } = forwarderOfAlice()
    await expect(forward(to, sentId, sentBox)).rejects.toMatchObject({ code: 'ERR_SIGNAL_MALFORMED' })
    expect(received).toEqual([])
  })

  it('keeps the neighbour to its budget', async () => {
    const { forward, runtime, forwarded } = forwarderOfAlice()
    const flood = async (count: number) => {
      const outcomes = await Promise.allSettled(Array.from({ length: count }, () => forward(bob, id, box)))
      return outcomes.filter(({ status }) => status === 'fulfilled').length
    }
    expect(await flood(FORWARDS_BURST + 1)).toBe(FORWARDS_BURST)
    await runtime.clock.advance(1000)
    expect(await flood(FORWARDS_BURST + 1)).toBe(FORWARDS_PER_SECOND)
    expect(forwarded).toHaveLength(FORWARDS_BURST + FORWARDS_PER_SECOND)
  })
})

describe('whom to ask for forwarding', () => {
  it('the linked and near before the others, three at the most', () => {
    const candidates = [
      { name: 'unknown', rttMs: undefined, isLinked: false },
      { name: 'near', rttMs: 1, isLinked: false },
      { name: 'linked and far', rttMs: 90, isLinked: true },
      { name: 'linked and near', rttMs: 9, isLinked: true },
    ]
    const chosen = chooseForwarders(candidates).map(({ name }) => name)
    expect(chosen).toEqual(['linked and near', 'linked and far', 'near'])
    expect(chosen).toHaveLength(FORWARDERS_MAX)
  })
})
