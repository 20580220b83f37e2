import { describe, expect, it } from '@jest/globals'
import { type Channel, encodeHex, SwarmError } from '@resilient-swarm/contract'
import { createTestRuntime, settle } from '@resilient-swarm/testkit'
import { CIRCUIT_END_CODES, type Circuit, createRelay, REFUSAL_CODES, type RelayOptions } from '../src/index.ts'
import { FIRST_FRAMES_PENDING_MAX, OWN_CIRCUITS_MAX } from '../src/limits.ts'
import { encodeControl } from '../src/messages.ts'
import { createFakeRaw, createFakeSubstream, type FakeRaw } from './fake-raw.ts'
import { createThree, idOf, keys, type TestNode } from './three-nodes.ts'

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof SwarmError ? error.code : String(error)),
  )

/** Both ends of a circuit, and what either received. */
async function openCircuit(three: ReturnType<typeof createThree>) {
  const circuit = await three.dial()
  const other = three.bob.incoming.at(-1)?.circuit as Circuit
  const [heard, answered] = [listen(other.channel), listen(circuit.channel)]
  return { circuit, other, heard, answered }
}

function listen(channel: Channel): number[] {
  const firsts: number[] = []
  channel.onMessage = (message) => firsts.push(message[0] as number)
  return firsts
}

const substreamsOf = (three: ReturnType<typeof createThree>) =>
  Object.values(three.links).flatMap(({ multiplexers }) => multiplexers.map(({ substreams }) => substreams.length))

describe('dial', () => {
  it('gives a path to the target through the relay, and the target one of its own, with the same binding', async () => {
    const three = createThree()
    const { circuit, other, heard, answered } = await openCircuit(three)
    expect(circuit).toMatchObject({ kind: 'circuit', via: three.ruth.id })
    expect(other).toMatchObject({ kind: 'circuit', via: three.ruth.id })
    expect(three.bob.incoming[0]?.from).toBe(three.alice.id)
    expect(other.binding).toEqual(circuit.binding)
    expect(circuit.binding.byteLength).toBe(3 * 33 + 17)
    circuit.channel.send(Uint8Array.of(1))
    other.channel.send(Uint8Array.of(2))
    await settle()
    expect([heard, answered]).toEqual([[1], [2]])
    expect(three.ruth.relay.counters).toMatchObject({ circuits: 1, accepted: 1, refused: 0, bytesForwarded: 6, ownCircuits: 0 })
    expect(three.alice.relay.counters).toMatchObject({ circuits: 0, ownCircuits: 1 })
  })

  it('gives no two circuits the same binding', async () => {
    const three = createThree()
    const [one, other] = [await three.dial(), await three.dial()]
    expect(one.binding).not.toEqual(other.binding)
  })

  it('leaves nothing behind when the circuit was closed', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const { circuit, other } = await openCircuit(three)
    circuit.channel.close()
    expect(await circuit.channel.closed).toEqual({ by: 'us', code: 0 })
    expect(await other.channel.closed).toEqual({ by: 'peer', code: 0 })
    await settle()
    expect(three.ruth.relay.counters.circuits).toBe(0)
    expect(substreamsOf(three)).toEqual([0, 0, 0, 0])
    expect(runtime.clock.pending).toBe(0)
  })

  it('gives up on a CLOSE that is not confirmed, 10 s later', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const circuit = await three.dial()
    three.links.bob.channels[0].onMessage = () => {} // bob hears nothing more
    circuit.channel.close()
    await runtime.clock.advance(9_999)
    expect(three.alice.relay.counters.ownCircuits).toBe(1)
    await runtime.clock.advance(1)
    const end = await circuit.channel.closed
    expect(end).toMatchObject({ by: 'us', code: CIRCUIT_END_CODES.unconfirmed, error: { code: 'ERR_CIRCUIT_LOST' } })
    expect(three.ruth.relay.counters.circuits).toBe(0)
  })

  it('is the caller’s to cancel, before and while it waits', async () => {
    const three = createThree()
    expect(await codeOf(three.dial(AbortSignal.abort()))).toBe('ERR_ABORTED')
    await settle()
    three.links.alice.channels[0].onMessage = () => {} // alice hears nothing more
    const giveUp = new AbortController()
    const dialled = codeOf(three.dial(giveUp.signal))
    await settle()
    expect(three.ruth.relay.counters.circuits).toBe(1)
    giveUp.abort()
    expect(await dialled).toBe('ERR_ABORTED')
    await settle()
    expect(three.ruth.relay.counters.circuits).toBe(0)
    expect(await three.bob.incoming[0]?.circuit.channel.closed).toMatchObject({ by: 'peer', code: CIRCUIT_END_CODES.legLost })
  })

  it('waits 10 s for the relay', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime, toAlice: { tamper: (message, from) => (from === 'bob' ? [] : [message]) } })
    const dialled = codeOf(three.dial())
    await runtime.clock.advance(9_999)
    expect(three.alice.relay.counters.ownCircuits).toBe(0)
    await runtime.clock.advance(1)
    expect(await dialled).toBe('ERR_CIRCUIT_TIMEOUT')
  })

  it('needs a relay that is connected', async () => {
    const three = createThree()
    expect(await codeOf(three.alice.relay.dial({ relay: idOf('carol'), target: three.bob.id }))).toBe('ERR_CIRCUIT_NO_RELAY')
  })

  it('fails when the relay goes while it waits', async () => {
    const three = createThree()
    const dialled = codeOf(three.dial())
    three.links.alice.multiplexers[0].abort(new SwarmError('Gone.', { code: 'ERR_GONE' }))
    expect(await dialled).toBe('ERR_CIRCUIT_LOST')
  })

  it.each([
    ['ourselves for a target', { relay: 'ruth', target: 'alice' }],
    ['ourselves for a relay', { relay: 'alice', target: 'bob' }],
    ['the relay for a target', { relay: 'ruth', target: 'ruth' }],
  ] as const)('refuses %s as a mistake of the caller', async (_, { relay, target }) => {
    const { alice } = createThree()
    await expect(alice.relay.dial({ relay: idOf(relay), target: idOf(target) })).rejects.toThrow(RangeError)
  })

  it(`has at most ${OWN_CIRCUITS_MAX} circuits of its own, those being dialled and those built to it included`, async () => {
    const runtime = createTestRuntime()
    const answers: FakeRaw[] = []
    const relay = createRelay({
      self: idOf('alice'),
      runtime,
      serve: false,
      openSubstream: () => {
        answers.push(createFakeRaw())
        return createFakeSubstream(answers.at(-1))
      },
      isDirect: () => true,
      judgeIncoming: () => 'accept',
      onCircuit: () => {},
    })
    const build = () => {
      const raw = createFakeRaw()
      relay.receive(idOf('ruth'), createFakeSubstream(raw))
      const limits = { bytesPerSecond: 1, burstBytes: 1, durationMs: 1_000 }
      raw.onBytes(encodeControl({ type: 'incoming', from: keys.bob.publicKey, circuitId: new Uint8Array(16), limits }))
      return raw.hex
    }
    const dial = () => codeOf(relay.dial({ relay: idOf('ruth'), target: idOf('bob') }))
    for (let index = 0; index < OWN_CIRCUITS_MAX - 1; index++) void dial()
    expect(build()).toBe(encodeHex(encodeControl({ type: 'accept', limits: undefined })))
    expect(build()).toBe(encodeHex(encodeControl({ type: 'refuse', code: REFUSAL_CODES.targetBusy })))
    expect(await dial()).toBe('ERR_CIRCUIT_LIMIT')
    expect(answers).toHaveLength(OWN_CIRCUITS_MAX - 1)
    answers[0]?.onBytes(encodeControl({ type: 'refuse', code: REFUSAL_CODES.busy }))
    await settle()
    expect(build()).toBe(encodeHex(encodeControl({ type: 'accept', limits: undefined })))
  })
})

describe('a relay', () => {
  it('tells the other end when one end breaks off', async () => {
    const { circuit, other } = await openCircuit(createThree())
    circuit.channel.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    expect((await circuit.channel.closed).error?.code).toBe('ERR_ENOUGH')
    const end = await other.channel.closed
    expect(end).toMatchObject({ by: 'peer', code: CIRCUIT_END_CODES.legLost })
    expect(end.error).toMatchObject({ code: 'ERR_CIRCUIT_LOST', retryable: true })
  })

  it('ends both legs when the session of one ends, and that end learns it by itself', async () => {
    const three = createThree()
    const { circuit, other } = await openCircuit(three)
    three.links.bob.multiplexers[0].abort(new SwarmError('Gone.', { code: 'ERR_GONE' }))
    expect(await circuit.channel.closed).toMatchObject({ code: CIRCUIT_END_CODES.legLost })
    expect((await other.channel.closed).error?.code).toBe('ERR_CIRCUIT_LOST')
    await settle()
    expect(three.ruth.relay.counters.circuits).toBe(0)
    expect(substreamsOf(three)).toEqual([0, 0, 0, 0])
  })

  it.each(['alice', 'bob'] as const)('ends the circuits of a peer that is no longer direct: %s', async (name) => {
    const three = createThree()
    const { circuit, other } = await openCircuit(three)
    three.ruth.relay.dropPeer(idOf(name))
    const [mine, others] = await Promise.all([circuit.channel.closed, other.channel.closed])
    expect([mine.error?.code, others.error?.code]).toEqual(['ERR_CIRCUIT_LOST', 'ERR_CIRCUIT_LOST'])
    await settle()
    expect(three.ruth.relay.counters.circuits).toBe(0)
    expect(substreamsOf(three)).toEqual([0, 0, 0, 0])
  })

  it('is given up by an end whose own session to it is no longer direct', async () => {
    const three = createThree()
    const { circuit, other } = await openCircuit(three)
    three.bob.relay.dropPeer(three.ruth.id)
    expect(await other.channel.closed).toMatchObject({ by: 'peer', code: CIRCUIT_END_CODES.lost })
    expect(await circuit.channel.closed).toMatchObject({ by: 'peer', code: CIRCUIT_END_CODES.legLost })
    expect(three.bob.relay.counters.ownCircuits).toBe(0)
  })

  it('lets go of a circuit whose time is up, having said so before', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime, limits: { circuitDurationMsMax: 10_000 } })
    const { circuit, other } = await openCircuit(three)
    const announced: unknown[] = []
    circuit.onLeaving = (untilMs) => announced.push(['alice', untilMs])
    other.onLeaving = (untilMs) => announced.push(['bob', untilMs])
    await runtime.clock.advance(8_999)
    expect(announced).toEqual([])
    await runtime.clock.advance(1)
    expect(announced.sort()).toEqual([
      ['alice', 1_000],
      ['bob', 1_000],
    ])
    await runtime.clock.advance(999)
    expect(three.ruth.relay.counters.circuits).toBe(1)
    await runtime.clock.advance(1)
    expect(three.ruth.relay.counters.circuits).toBe(0)
    for (const { channel } of [circuit, other]) {
      const end = await channel.closed
      expect(end).toMatchObject({ by: 'peer', code: CIRCUIT_END_CODES.timeUp })
      expect(end.error).toMatchObject({ code: 'ERR_CIRCUIT_LIMIT', retryable: true })
    }
    expect(substreamsOf(three)).toEqual([0, 0, 0, 0])
    expect(runtime.clock.pending).toBe(0)
  })

  it('tells an end that listens late what was announced before', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const { circuit } = await openCircuit(three)
    void three.ruth.relay.drain(700)
    await settle()
    const announced: number[] = []
    circuit.onLeaving = (untilMs) => announced.push(untilMs)
    expect(announced).toEqual([700])
  })

  it.each(['alice', 'bob'] as const)('renews a circuit for as long as it is used, by %s', async (name) => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime, limits: { circuitDurationMsMax: 10_000 } })
    const { circuit, other } = await openCircuit(three)
    const announced: number[] = []
    circuit.onLeaving = (untilMs) => announced.push(untilMs)
    const user = name === 'alice' ? circuit : other
    for (let second = 0; second < 35; second++) {
      user.channel.send(Uint8Array.of(second))
      await runtime.clock.advance(1_000)
    }
    expect(three.ruth.relay.counters.circuits).toBe(1)
    expect(announced).toEqual([])
    await runtime.clock.advance(20_000)
    expect(await circuit.channel.closed).toMatchObject({ code: CIRCUIT_END_CODES.timeUp })
  })

  it('renews a circuit that is used again when its end is near', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime, limits: { circuitDurationMsMax: 10_000 } })
    const { circuit, heard } = await openCircuit(three)
    await runtime.clock.advance(9_500)
    circuit.channel.send(Uint8Array.of(7))
    await runtime.clock.advance(5_000)
    expect(heard).toEqual([7])
    expect(three.ruth.relay.counters.circuits).toBe(1)
  })

  it.each<[string, (three: ReturnType<typeof createThree>) => void]>([
    ['a leg is not direct any more', ({ ruth, bob }) => void ruth.notDirect.add(bob.id)],
    ['it leaves', ({ ruth }) => void ruth.relay.drain(60_000)],
  ])('does not renew when %s, and announces the end', async (_, arrange) => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime, limits: { circuitDurationMsMax: 10_000 } })
    const { circuit } = await openCircuit(three)
    const announced: number[] = []
    circuit.onLeaving = (untilMs) => announced.push(untilMs)
    arrange(three)
    for (let tick = 0; tick < 12; tick++) {
      circuit.channel.send(Uint8Array.of(tick))
      await runtime.clock.advance(1_000)
    }
    expect(announced.length).toBeGreaterThan(0)
    expect((await circuit.channel.closed).error).toBeInstanceOf(SwarmError)
    expect(three.ruth.relay.counters.circuits).toBe(0)
  })

  it('announces that it leaves, forwards for the grace time, and is done', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const { circuit, other, heard } = await openCircuit(three)
    const announced: number[] = []
    circuit.onLeaving = (untilMs) => announced.push(untilMs)
    other.onLeaving = (untilMs) => announced.push(untilMs)
    let drained = false
    void three.ruth.relay.drain(3_000).then(() => {
      drained = true
    })
    await settle()
    expect(announced).toEqual([3_000, 3_000])
    circuit.channel.send(Uint8Array.of(9))
    await runtime.clock.advance(2_999)
    expect([heard, drained]).toEqual([[9], false])
    await runtime.clock.advance(1)
    expect(drained).toBe(true)
    expect(await circuit.channel.closed).toMatchObject({ by: 'peer', code: CIRCUIT_END_CODES.leaving })
    expect((await other.channel.closed).error?.code).toBe('ERR_CIRCUIT_LOST')
  })

  it('is drained as soon as the last circuit has gone, or at once without any', async () => {
    const three = createThree()
    const { circuit } = await openCircuit(three)
    const draining = three.ruth.relay.drain(60_000)
    circuit.channel.close()
    await draining
    await three.ruth.relay.drain()
    expect(() => three.ruth.relay.drain(-1)).toThrow(RangeError)
  })

  it('ends everything when it closes, in every role, and dials no more', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const { circuit, other } = await openCircuit(three)
    await three.ruth.relay.close()
    expect(await circuit.channel.closed).toMatchObject({ code: CIRCUIT_END_CODES.leaving })
    const again = createThree({ runtime })
    const second = await openCircuit(again)
    await again.alice.relay.close()
    expect(await second.circuit.channel.closed).toEqual({ by: 'us', code: 0 })
    expect(await second.other.channel.closed).toEqual({ by: 'peer', code: 0 })
    expect(await codeOf(again.dial())).toBe('ERR_RELAY_CLOSED')
    await other.channel.closed
    await again.alice.relay.close()
    await settle()
    expect(runtime.clock.pending).toBe(0)
  })

  it('does not wait for an other end that is dead when it closes', async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const { circuit } = await openCircuit(three)
    three.links.alice.channels[0].onMessage = () => {}
    const closing = three.alice.relay.close()
    await runtime.clock.advance(1_000)
    await closing
    expect((await circuit.channel.closed).error?.code).toBe('ERR_RELAY_CLOSED')
  })

  it('knows no option but its own', () => {
    expect(() => createRelay({ port: 1 } as unknown as RelayOptions)).toThrow(TypeError)
  })

  it(`lets ${FIRST_FRAMES_PENDING_MAX} substreams of a peer wait for their first frame, for 10 s`, async () => {
    const runtime = createTestRuntime()
    const three = createThree({ runtime })
    const open = (node: TestNode) => node.neighbours.get(three.ruth.id)?.openSubstream('relay')
    const opened = Array.from({ length: FIRST_FRAMES_PENDING_MAX + 1 }, () => open(three.alice))
    await settle()
    expect(await opened.at(-1)?.closed).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(three.links.alice.multiplexers[1].substreams).toHaveLength(FIRST_FRAMES_PENDING_MAX)
    await expect(codeOf(three.dial())).resolves.toBe('ERR_CIRCUIT_LOST')
    await runtime.clock.advance(9_999)
    expect(three.links.alice.multiplexers[1].substreams).toHaveLength(FIRST_FRAMES_PENDING_MAX)
    await runtime.clock.advance(1)
    expect(three.links.alice.multiplexers[1].substreams).toHaveLength(0)
    await expect(codeOf(three.dial())).resolves.toBe('resolved')
  })
})
