import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import { createMultiplexer, type Multiplexer } from '@resilient-swarm/multiplexer'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import type { IncomingCircuit } from '../src/index.ts'
import { Leg } from '../src/leg.ts'
import { CIRCUIT_ID_BYTES, CLOSE_TIMEOUT_MS_MAX, CONNECTS_BURST, DURATION_MS_MAX } from '../src/limits.ts'
import { encodeControl } from '../src/messages.ts'
import { createNode, createThree, idOf } from './three-nodes.ts'

describe('a peer that asks too often', () => {
  it('has no new rate when it comes back', async () => {
    const { alice, ruth } = createThree()
    const ask = () => alice.relay.dial({ relay: ruth.id, target: idOf('carol') }).catch((error: { code: string }) => error.code)
    const answers = new Set<unknown>()
    for (let count = 0; count < CONNECTS_BURST; count++) answers.add(await ask())
    expect([...answers]).toEqual(['ERR_CIRCUIT_REFUSED'])
    const tooFast = await alice.relay.dial({ relay: ruth.id, target: idOf('carol') }).catch((error: Error) => error.message)
    ruth.relay.dropPeer(alice.id)
    const again = await alice.relay.dial({ relay: ruth.id, target: idOf('carol') }).catch((error: Error) => error.message)
    expect(tooFast).toContain('too')
    expect(again).toBe(tooFast)
  })
})

describe('a dialler that asks for more time again and again', () => {
  it('hears no once, and so does the other end', async () => {
    const runtime = createTestRuntime()
    let isAllowed = true
    const { alice, bob, ruth } = createThree({ runtime, allow: () => isAllowed, limits: { circuitDurationMsMax: 10_000 } })
    const raw = (alice.neighbours.get(ruth.id) as Multiplexer).openSubstream('relay').raw()
    let heardBytes = 0
    raw.onBytes = (bytes) => {
      heardBytes += bytes.byteLength
      raw.consume(bytes.byteLength)
    }
    raw.write(encodeControl({ type: 'connect', to: publicKeyOf(bob.id), circuitId: new Uint8Array(CIRCUIT_ID_BYTES) }))
    await runtime.clock.advance(6_000)
    let announced = 0
    const [incoming] = bob.incoming as [IncomingCircuit]
    incoming.circuit.channel.onMessage = () => {}
    incoming.circuit.onLeaving = () => void announced++
    isAllowed = false
    heardBytes = 0
    for (let count = 0; count < 1_000; count++) raw.write(encodeControl({ type: 'renew' }))
    await runtime.clock.advance(0)
    expect(announced).toBe(1)
    expect(heardBytes).toBe(encodeControl({ type: 'drain', leftMs: 4_000 }).byteLength)
  })
})

describe('a relay that announces next to no rate for a day', () => {
  it('keeps the place of a circuit that was closed for half a minute at most', async () => {
    const runtime = createTestRuntime()
    const alice = createNode('alice', { runtime })
    const [near, far] = createChannelPair()
    alice.neighbours.set(idOf('ruth'), createMultiplexer({ channel: near, role: 'initiator', runtime, onSubstream() {} }))
    createMultiplexer({
      channel: far,
      role: 'responder',
      runtime,
      onSubstream(substream) {
        const leg = new Leg({ peer: alice.id as PeerId, substream, clock: runtime.clock })
        const limits = { bytesPerSecond: 1, burstBytes: 1, durationMs: DURATION_MS_MAX }
        leg.readFirst(() => void leg.send({ type: 'accept', limits }))
      },
    })
    const { channel } = await alice.relay.dial({ relay: idOf('ruth'), target: idOf('bob') })
    channel.close()
    expect(alice.relay.counters.ownCircuits).toBe(1)
    await runtime.clock.advance(CLOSE_TIMEOUT_MS_MAX)
    expect(await channel.closed).toMatchObject({ by: 'us', error: { code: 'ERR_CIRCUIT_LOST' } })
    expect(alice.relay.counters.ownCircuits).toBe(0)
  })
})
