import { describe, expect, it } from '@jest/globals'
import { type SecureChannel, secureChannel } from '@resilient-swarm/cipher-stream'
import { encodeHex, SwarmError } from '@resilient-swarm/contract'
import { type KeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { createTestRuntime, settle } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { type Circuit, createRelay } from '../src/index.ts'
import { encodeControl, encodeMessageHeader } from '../src/messages.ts'
import { channelOver, createEvilRelay, type Dialled, pump, type Side, type Tamper } from './evil-relay.ts'
import { createFakeRaw, createFakeSubstream } from './fake-raw.ts'
import { createNode, createThree, idOf, keys, type TestNode } from './three-nodes.ts'

const runtime = createTestRuntime()
const common = { network: 'public', runtime }

const pathOf = ({ channel, kind, binding }: Circuit) => ({ channel, kind, binding })
const initiate = (keyPair: KeyPair, circuit: Circuit, target: keyof typeof keys) =>
  secureChannel({ ...common, ...pathOf(circuit), role: 'initiator', keyPair, expected: keys[target].publicKey })

/** Handshakes that came out of circuits to this node, and errors of those that did not. */
function answer(node: TestNode) {
  const proven: SecureChannel[] = []
  const failed: unknown[] = []
  node.onIncoming = ({ circuit }) => {
    secureChannel({ ...common, ...pathOf(circuit), role: 'responder', keyPair: node.keyPair }).then(
      (channel) => proven.push(channel),
      (error: unknown) => failed.push(error),
    )
  }
  return { proven, failed }
}

const firstOf = ({ incoming }: TestNode) => (incoming[0] as { circuit: Circuit }).circuit

const pass: Tamper = (message) => [message]

/** alice – mallory – bob, where mallory relays as she likes; carol is connected to her too. */
function createVictims(onDialled: (dialled: Dialled, mallory: ReturnType<typeof createEvilRelay>) => unknown) {
  const [alice, bob, carol] = [createNode('alice'), createNode('bob'), createNode('carol')]
  const mallory: ReturnType<typeof createEvilRelay> = createEvilRelay('mallory', (dialled) => void onDialled(dialled, mallory))
  for (const node of [alice, bob, carol]) mallory.connect(node)
  const dial = (from: TestNode = alice, to: TestNode = bob) => from.relay.dial({ relay: mallory.id, target: to.id })
  return { alice, bob, carol, mallory, dial, atBob: answer(bob), atCarol: answer(carol) }
}

/** A relay that does its work, but for what `tamper` does to messages. */
const relayed =
  (tamper: Tamper) =>
  async ({ from, circuitId, leg }: Dialled, mallory: ReturnType<typeof createEvilRelay>) => {
    const target = await mallory.bring(idOf('bob'), publicKeyOf(from), circuitId)
    mallory.accept(leg)
    pump({ from: leg, to: target, side: 'dialler', tamper })
    pump({ from: target, to: leg, side: 'target', tamper })
  }

/** Nobody proved anything to anybody. */
async function expectNothing(handshake: Promise<SecureChannel>, ...answers: readonly ReturnType<typeof answer>[]) {
  const error = await Promise.race([
    handshake.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
    settleAndAdvance().then(() => handshake.catch((reason: unknown) => reason)),
  ])
  expect(error).toBeInstanceOf(SwarmError)
  await settle()
  for (const { proven } of answers) expect(proven).toHaveLength(0)
}

async function settleAndAdvance() {
  await settle()
  await runtime.clock.advance(10_001)
}

describe('a relay that lies about who is who', () => {
  it('would do no harm if it did not: the handshake stands, and each end knows the other', async () => {
    const { dial, atBob } = createVictims(relayed(pass))
    const channel = await initiate(keys.alice, await dial(), 'bob')
    await settle()
    expect(channel.remotePeerId).toBe(idOf('bob'))
    expect(atBob.proven.map(({ remotePeerId }) => remotePeerId)).toEqual([idOf('alice')])
  })

  it('cannot pose as the target', async () => {
    let posed: Promise<unknown> | undefined
    const { dial } = createVictims(({ leg, circuitId }, mallory) => {
      mallory.accept(leg)
      const names = [publicKeyOf(mallory.id), keys.alice.publicKey, keys.bob.publicKey, circuitId]
      const binding = Uint8Array.from(names.flatMap((bytes) => [bytes.byteLength, ...bytes]))
      const path = { channel: channelOver(leg), kind: 'circuit', binding }
      posed = secureChannel({ ...common, ...path, role: 'responder', keyPair: keys.mallory }).catch((error: unknown) => error)
    })
    const error = await initiate(keys.alice, await dial(), 'bob').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_HANDSHAKE_PEER' })
    expect(await posed).toBeInstanceOf(SwarmError)
  })

  it('cannot bring the dialler to another target', async () => {
    const { dial, atCarol } = createVictims(async ({ from, circuitId, leg }, mallory) => {
      const target = await mallory.bring(idOf('carol'), publicKeyOf(from), circuitId)
      mallory.accept(leg)
      pump({ from: leg, to: target, side: 'dialler', tamper: pass })
      pump({ from: target, to: leg, side: 'target', tamper: pass })
    })
    await expectNothing(initiate(keys.alice, await dial(), 'bob'), atCarol)
  })

  it.each<[string, (dialled: Dialled) => [from: Dialled['to'], circuitId: Uint8Array]]>([
    ['who dialled', ({ circuitId }) => [keys.carol.publicKey, circuitId]],
    ['who dialled, herself', ({ circuitId }) => [keys.ruth.publicKey, circuitId]],
    ['the circuit', ({ from, circuitId }) => [publicKeyOf(from), circuitId.map((byte) => byte ^ 1)]],
  ])('cannot lie about %s', async (_, lie) => {
    const { dial, atBob } = createVictims(async (dialled, mallory) => {
      const target = await mallory.bring(idOf('bob'), ...lie(dialled))
      mallory.accept(dialled.leg)
      pump({ from: dialled.leg, to: target, side: 'dialler', tamper: pass })
      pump({ from: target, to: dialled.leg, side: 'target', tamper: pass })
    })
    await expectNothing(initiate(keys.alice, await dial(), 'bob'), atBob)
  })

  it('cannot splice two victims who both dial bob', async () => {
    const waiting: Dialled[] = []
    const { alice, carol, bob, dial, atBob } = createVictims(async (dialled, mallory) => {
      if (waiting.push(dialled) < 2) return
      const [one, two] = waiting as [Dialled, Dialled]
      for (const [said, real] of [
        [one, two],
        [two, one],
      ] as const) {
        const target = await mallory.bring(idOf('bob'), publicKeyOf(said.from), said.circuitId)
        mallory.accept(real.leg)
        pump({ from: real.leg, to: target, side: 'dialler', tamper: pass })
        pump({ from: target, to: real.leg, side: 'target', tamper: pass })
      }
    })
    const [one, two] = await Promise.all([dial(alice, bob), dial(carol, bob)])
    const first = initiate(keys.alice, one, 'bob')
    const second = initiate(keys.carol, two, 'bob')
    await Promise.all([expectNothing(first, atBob), expectNothing(second, atBob)])
  })

  it('cannot join two victims who dial each other', async () => {
    const waiting: Dialled[] = []
    const { alice, bob, dial } = createVictims((dialled, mallory) => {
      if (waiting.push(dialled) < 2) return
      const [one, two] = waiting as [Dialled, Dialled]
      for (const { leg } of waiting) mallory.accept(leg)
      pump({ from: one.leg, to: two.leg, side: 'dialler', tamper: pass })
      pump({ from: two.leg, to: one.leg, side: 'target', tamper: pass })
    })
    const [one, two] = await Promise.all([dial(alice, bob), dial(bob, alice)])
    await Promise.all([expectNothing(initiate(keys.alice, one, 'bob')), expectNothing(initiate(keys.bob, two, 'alice'))])
  })

  it('brings bob no circuit of its own, nor one of bob himself', async () => {
    const { mallory, bob } = createVictims(() => {})
    for (const name of ['mallory', 'bob'] as const) {
      await expect(mallory.bring(bob.id, keys[name].publicKey, new Uint8Array(16))).rejects.toThrow('refused')
    }
    expect(bob.incoming).toHaveLength(0)
  })
})

describe('a relay that touches records', () => {
  const change = fc.record({
    kind: fc.constantFrom('flip', 'drop', 'swap', 'repeat', 'cut', 'append', 'invent', 'merge'),
    from: fc.constantFrom<Side>('dialler', 'target'),
    record: fc.integer({ min: 0, max: 9 }),
    at: fc.nat(),
  })

  /** Changes one record of one direction, the handshake's messages counted first. */
  function tamperOnce({ kind, from, record, at }: typeof change extends fc.Arbitrary<infer T> ? T : never): Tamper {
    let seen = -1
    let held: Uint8Array | undefined
    return (message, side) => {
      if (side !== from) return [message]
      seen++
      if (held) {
        const both = kind === 'merge' ? [Uint8Array.from([...held, ...message])] : [message, held]
        held = undefined
        return both
      }
      if (seen !== record) return [message]
      switch (kind) {
        case 'flip':
          return [message.map((byte, index) => (index === at % message.byteLength ? byte ^ (1 << (at % 8)) : byte))]
        case 'drop':
          return []
        case 'repeat':
          return [message, message]
        case 'cut':
          return [message.subarray(0, at % message.byteLength)]
        case 'append':
          return [Uint8Array.from([...message, at & 0xff])]
        case 'invent':
          return [new Uint8Array(at % 100), message]
        default:
          held = message
          return []
      }
    }
  }

  it('delivers nothing wrong, and kills that circuit with a typed error at who was lied to', async () => {
    let handshakes = 0
    await fc.assert(
      fc.asyncProperty(change, async (one) => {
        const { dial, atBob } = createVictims(relayed(tamperOnce(one)))
        const circuit = await dial()
        const channel = await Promise.race([
          initiate(keys.alice, circuit, 'bob').catch((error: unknown) => error),
          settle()
            .then(() => runtime.clock.advance(10_001))
            .then(() => undefined),
        ])
        await settle()
        const [toBob, toAlice] = [channel, atBob.proven[0]]
        if (channel !== undefined && !('send' in (channel as object))) expect(channel).toBeInstanceOf(SwarmError)
        if (toBob === undefined || !('send' in (toBob as object)) || !toAlice) return
        handshakes++
        const ends = [toBob as SecureChannel, toAlice]
        const heard = ends.map((end) => {
          const messages: string[] = []
          end.onMessage = (message) => messages.push(encodeHex(message))
          return messages
        }) as [string[], string[]]
        const sent = Array.from({ length: 12 }, (_, index) => Uint8Array.of(index, 1, 2, 3))
        for (const message of sent) for (const end of ends) end.send(message.slice())
        await settle()
        const whole = sent.map(encodeHex)
        for (const messages of heard) expect(messages).toEqual(whole.slice(0, messages.length))
        const hit = one.from === 'dialler' ? 1 : 0
        expect(heard[hit].length).toBeLessThan(whole.length)
        const end = await (ends[hit] as SecureChannel).closed
        expect(end.error).toMatchObject({ code: 'ERR_BAD_RECORD' })
        expect((await circuit.channel.closed).by).toBeDefined()
      }),
      { numRuns: 150 },
    )
    expect(handshakes).toBeGreaterThan(50)
  })

  it('cannot end it unnoticed either, with a CLOSE of its own', async () => {
    const { alice, dial, atBob } = createVictims(async ({ from, circuitId, leg }, mallory) => {
      const target = await mallory.bring(idOf('bob'), publicKeyOf(from), circuitId)
      mallory.accept(leg)
      pump({ from: leg, to: target, side: 'dialler', tamper: pass })
      pump({ from: target, to: leg, side: 'target', tamper: pass })
      await settle()
      for (const end of [leg, target]) end.finish({ type: 'close', code: 0 })
    })
    const channel = await initiate(keys.alice, await dial(), 'bob')
    expect((await channel.closed).error).toMatchObject({ code: 'ERR_TRUNCATED' })
    expect((await atBob.proven[0]?.closed)?.error).toMatchObject({ code: 'ERR_TRUNCATED' })
    expect(alice.relay.counters.ownCircuits).toBe(0)
  })
})

describe('what a relay sees', () => {
  const CANARIES = 1_000
  const random = createTestRuntime({ seed: 7 }).random
  const canaries = Array.from({ length: CANARIES }, () => Buffer.from(random.bytes(16)))

  /** Everything that ruth's two legs carried, as one buffer; `isSealed` false proves that the tap would find them. */
  async function tap(isSealed: boolean): Promise<{ found: number; arrived: number }> {
    const seen: Uint8Array[] = []
    const tamper = (message: Uint8Array) => {
      seen.push(message)
      return [message]
    }
    const three = createThree({ toAlice: { tamper }, toBob: { tamper } })
    const { proven } = answer(three.bob)
    if (!isSealed) three.bob.onIncoming = () => {}
    const circuit = await three.dial()
    const channel = isSealed ? await initiate(keys.alice, circuit, 'bob') : circuit.channel
    await settle()
    let arrived = 0
    const other = isSealed ? (proven[0] as SecureChannel) : firstOf(three.bob).channel
    other.onMessage = (message) => {
      if (canaries[arrived]?.equals(message)) arrived++
    }
    for (const canary of canaries) channel.send(Uint8Array.from(canary))
    await settle()
    const all = Buffer.concat(seen)
    return { found: canaries.filter((canary) => all.includes(canary)).length, arrived }
  }

  it(`is none of ${CANARIES} planted secrets, though all of them arrive`, async () => {
    expect(await tap(true)).toEqual({ found: 0, arrived: CANARIES })
    expect(await tap(false)).toEqual({ found: CANARIES, arrived: CANARIES })
  })
})

describe('mallory at an end', () => {
  const idle = { type: 'accept', limits: undefined } as const
  const limits = { bytesPerSecond: 1, burstBytes: 1, durationMs: 1_000 }
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(
      encodeControl({ type: 'connect', to: keys.bob.publicKey, circuitId: new Uint8Array(16) }),
      encodeControl({ type: 'connect', to: keys.ruth.publicKey, circuitId: new Uint8Array(16) }),
      encodeControl({ type: 'incoming', from: keys.bob.publicKey, circuitId: new Uint8Array(16), limits }),
      encodeControl(idle),
      encodeControl({ type: 'accept', limits }),
      encodeControl({ type: 'refuse', code: 3 }),
      encodeControl({ type: 'close', code: 9 }),
      encodeControl({ type: 'end', code: 9 }),
      encodeControl({ type: 'renew' }),
      encodeControl({ type: 'renewed', durationMs: 1_000 }),
      encodeControl({ type: 'drain', leftMs: 0 }),
      encodeMessageHeader(5),
      encodeMessageHeader(0),
    ),
  )

  it('says whatever she likes to a relay, and to a target: nothing is left of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(noise, { maxLength: 12 }),
        fc.boolean(),
        fc.constantFrom('end', 'reset', 'stay'),
        async (says, first, ends) => {
          const runtime = createTestRuntime()
          const three = createThree({ runtime })
          const honest = await three.dial()
          const raw = three.links.alice.multiplexers[0].openSubstream('relay').raw()
          if (first) raw.write(encodeControl({ type: 'connect', to: keys.bob.publicKey, circuitId: new Uint8Array(16) }))
          raw.onBytes = (bytes) => raw.consume(bytes.byteLength)
          for (const bytes of says) {
            raw.write(bytes.slice())
            await settle()
          }
          if (ends === 'end') raw.end()
          if (ends === 'reset') raw.reset()
          await settle()
          const heard: unknown[] = []
          firstOf(three.bob).channel.onMessage = (message) => heard.push(message[0])
          honest.channel.send(Uint8Array.of(42))
          await settle()
          expect(heard).toEqual([42])
          await runtime.clock.advance(1_300_000)
          expect(three.ruth.relay.counters).toMatchObject({ circuits: 0, heldBytes: 0 })
          expect(three.ruth.relay.counters.circuits).toBe(0)
          expect(three.links.bob.multiplexers[0].substreams).toHaveLength(0)
          expect(three.links.bob.multiplexers[1].substreams).toHaveLength(0)
          expect(three.links.alice.multiplexers[1].substreams).toHaveLength(0)
          expect(runtime.clock.pending).toBe(0)
        },
      ),
      { numRuns: 150 },
    )
  })

  it.each<[string, Uint8Array[]]>([
    ['a message before the answer', [encodeMessageHeader(0)]],
    ['a second CONNECT', [encodeControl({ type: 'connect', to: keys.bob.publicKey, circuitId: new Uint8Array(16) })]],
    ['a DRAIN', [encodeControl({ type: 'drain', leftMs: 1 })]],
  ])('sends %s behind her CONNECT and is refused', async (_, says) => {
    const { links, ruth, bob } = createThree()
    const raw = links.alice.multiplexers[0].openSubstream('relay').raw()
    const heard: string[] = []
    raw.onBytes = (bytes) => heard.push(encodeHex(bytes))
    raw.write(encodeControl({ type: 'connect', to: keys.bob.publicKey, circuitId: new Uint8Array(16) }))
    for (const bytes of says) raw.write(bytes)
    await settle()
    expect(heard).toEqual([encodeHex(encodeControl({ type: 'refuse', code: 1 }))])
    expect(ruth.relay.counters).toMatchObject({ circuits: 0, refused: 1 })
    expect(bob.incoming).toHaveLength(0)
  })

  it('sends garbage over a circuit: the other end hears why it ended, and she is cut off', async () => {
    const { links, ruth, bob } = createThree()
    const substream = links.alice.multiplexers[0].openSubstream('relay')
    const raw = substream.raw()
    raw.write(encodeControl({ type: 'connect', to: keys.bob.publicKey, circuitId: new Uint8Array(16) }))
    await settle()
    raw.write(Uint8Array.of(0xff, 0xff))
    expect(await bob.incoming[0]?.circuit.channel.closed).toMatchObject({
      by: 'peer',
      code: 223,
      error: { code: 'ERR_CIRCUIT_LOST' },
    })
    expect(await substream.closed).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(ruth.relay.counters.circuits).toBe(0)
  })

  it.each(['dialler', 'target'])(
    'relays and never ends a circuit whose time is up: the %s gives it up 10 s later',
    async (role) => {
      const runtime = createTestRuntime()
      const node = createNode('bob', { runtime })
      const raw = createFakeRaw()
      const relay = createRelay({
        self: idOf('bob'),
        runtime,
        serve: false,
        openSubstream: () => createFakeSubstream(raw),
        isDirect: () => true,
        judgeIncoming: () => 'accept',
        onCircuit: (incoming) => node.incoming.push(incoming),
      })
      const dialled = role === 'dialler' ? relay.dial({ relay: idOf('ruth'), target: idOf('alice') }) : undefined
      if (!dialled) relay.receive(idOf('ruth'), createFakeSubstream(raw))
      const incoming = { type: 'incoming', from: keys.alice.publicKey, circuitId: new Uint8Array(16), limits } as const
      raw.onBytes(encodeControl(dialled ? { type: 'accept', limits } : incoming))
      const circuit = (await dialled) ?? firstOf(node)
      await runtime.clock.advance(900)
      raw.onBytes(encodeControl({ type: 'renewed', durationMs: 1_000 }))
      await runtime.clock.advance(10_999)
      expect(relay.counters.ownCircuits).toBe(1)
      await runtime.clock.advance(1)
      expect(await circuit.channel.closed).toMatchObject({ by: 'us', code: 220, error: { code: 'ERR_CIRCUIT_LIMIT' } })
      expect(raw.wasReset).toBe(true)
      expect([relay.counters.ownCircuits, runtime.clock.pending]).toEqual([0, 0])
    },
  )

  it('says garbage as the relay: her circuit ends with a typed error', async () => {
    let toAlice: Dialled['leg'] | undefined
    const { dial } = createVictims(({ leg }, mallory) => {
      toAlice = leg
      mallory.accept(leg)
    })
    const circuit = await dial()
    toAlice?.raw.write(Uint8Array.of(0xff, 0xff))
    expect(await circuit.channel.closed).toMatchObject({ by: 'us', code: 225, error: { code: 'ERR_CIRCUIT_PROTOCOL' } })
  })

  it('as a target can only say no in two ways', async () => {
    for (const [code, refusal] of [
      [12, 'targetBusy'],
      [9, 'notDirect'],
      [11, 'targetRefused'],
      [1, 'targetRefused'],
      [5, 'targetRefused'],
      [999, 'targetRefused'],
    ] as const) {
      const three = createThree()
      const node = createNode('carol')
      const evil = createEvilRelay('carol', () => {})
      evil.connect(three.ruth)
      evil.onIncoming = (leg) => leg.finish({ type: 'refuse', code })
      await expect(three.alice.relay.dial({ relay: three.ruth.id, target: node.id })).rejects.toMatchObject({
        cause: { refusal },
      })
    }
  })
})
