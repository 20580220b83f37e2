import { describe, expect, it } from '@jest/globals'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { SILENCE_MS_MIN } from '../src/limits.ts'
import { createSessionPair, RELAYED } from './pair.ts'

const MEASURED_MS = 1_000
const MESSAGE = () => new Uint8Array(1_000)

/** A measured direct path on which bob hears alice, and from now on she never hears him. */
async function halfDead() {
  const runtime = createTestRuntime()
  const { alice, bob, dial } = createSessionPair({ runtime })
  const heard: Uint8Array[] = []
  bob.onMessage = (message) => heard.push(message)
  alice.onMessage = () => {}
  let isDead = false
  const { ofAlice } = await dial({ tamper: (message, from) => (isDead && from === 'bob' ? [] : [message]) })
  await runtime.clock.advance(MEASURED_MS)
  isDead = true
  alice.send(MESSAGE())
  await runtime.clock.advance(1)
  expect(heard).toHaveLength(1)
  return { runtime, alice, heard, dial, ofAlice }
}

describe('what a new path says of the time before', () => {
  it('does not clear a suspected path: the next message takes the new one', async () => {
    const { runtime, alice, heard, dial, ofAlice } = await halfDead()
    await runtime.clock.advance(SILENCE_MS_MIN)
    expect(ofAlice.isSuspected).toBe(true)
    let byCircuit = 0
    await dial({
      facts: RELAYED,
      tamper(message, from) {
        if (from === 'alice' && message.byteLength > 1_000) byCircuit++
        return [message]
      },
    })
    expect(ofAlice.isSuspected).toBe(true)
    alice.send(MESSAGE())
    await runtime.clock.advance(1)
    expect(heard).toHaveLength(2)
    expect(byCircuit).toBe(1)
  })

  it('does not give a silent path another term either, nor leave it with nothing to answer', async () => {
    const { runtime, dial, ofAlice } = await halfDead()
    await runtime.clock.advance(SILENCE_MS_MIN / 2)
    await dial({ facts: RELAYED })
    expect(ofAlice.isSuspected).toBe(false)
    await runtime.clock.advance(SILENCE_MS_MIN + 1)
    expect(ofAlice.isSuspected).toBe(true)
  })
})
