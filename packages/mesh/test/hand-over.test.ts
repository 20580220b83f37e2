import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createHands, hopTimeoutMs } from '../src/hand-over.ts'
import { HOP_TIMEOUT_MS_DEFAULT, HOP_TIMEOUT_MS_MAX, HOP_TIMEOUT_MS_MIN, SILENT_REST_MS } from '../src/limits.ts'

const bob = createKeyPair().peerId
const signal = { to: bob, id: '0'.repeat(32), box: 'AAAA', route: [], ttl: 1, round: 0 }

/** Hands a signal to bob, who answers so. */
function give(answer: () => Promise<unknown>) {
  const { clock } = createTestRuntime()
  const hands = createHands(clock)
  const next = { id: bob, rttMs: 100, signal: answer, signalled: async () => null }
  return { clock, hands, outcome: hands.handOver(next, signal), again: () => hands.handOver(next, signal) }
}

describe('handing a signal to a neighbour', () => {
  it.each([
    [undefined, HOP_TIMEOUT_MS_DEFAULT],
    [0, HOP_TIMEOUT_MS_MIN],
    [35, HOP_TIMEOUT_MS_MIN],
    [100, 280],
    [360, HOP_TIMEOUT_MS_MAX],
    [Number.POSITIVE_INFINITY, HOP_TIMEOUT_MS_MAX],
  ])('whose round trip is %p ms waits %i ms', (rttMs, expected) => expect(hopTimeoutMs(rttMs)).toBe(expected))

  it.each([
    ['null', async () => null, { kind: 'taken' }],
    ['a proof', async () => 'a'.repeat(32), { kind: 'delivered', proof: 'a'.repeat(32) }],
    ['anything else', async () => 'A'.repeat(32), { kind: 'refused' }],
    ['an error', () => Promise.reject(new Error('no')), { kind: 'refused' }],
  ])('who answers with %s', async (_, answer, expected) => {
    const { outcome, clock } = give(answer)
    expect(await outcome).toEqual(expected)
    expect(clock.pending).toBe(0)
  })

  it('who does not answer is silent, for some seconds or until it answers', async () => {
    const answers = [new Promise(() => {}), new Promise(() => {}), Promise.resolve(null)]
    const { clock, hands, outcome, again } = give(() => answers.shift() as Promise<unknown>)
    await clock.advance(279)
    expect(hands.isSilent(bob)).toBe(false)
    await clock.advance(1)
    expect(await outcome).toEqual({ kind: 'silent' })
    expect(hands.isSilent(bob)).toBe(true)
    await clock.advance(SILENT_REST_MS - 1)
    expect(hands.isSilent(bob)).toBe(true)
    await clock.advance(1)
    expect(hands.isSilent(bob)).toBe(false)
    const second = again()
    await clock.advance(280)
    await second
    expect(hands.isSilent(bob)).toBe(true)
    await again()
    expect(hands.isSilent(bob)).toBe(false)
  })
})
