import { describe, expect, it } from '@jest/globals'
import { decodeHex, encodeHex } from '@resilient-swarm/contract'
import { type Engine, nobleEngine } from '@resilient-swarm/identity/engine'
import {
  type CipherState,
  createCipherState,
  createNoise,
  type DhKeyPair,
  type Noise,
  type NoiseOptions,
  type PatternName,
} from '@resilient-swarm/identity/noise'
import { readSharedJson } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { engine as nodeEngine } from '../src/engine-node.ts'
import { fuzz } from './fuzz.ts'

interface Vector {
  readonly protocol_name: string
  readonly init_prologue: string
  readonly resp_prologue: string
  readonly init_static?: string
  readonly init_ephemeral?: string
  readonly init_remote_static?: string
  readonly init_psks?: readonly string[]
  readonly resp_static?: string
  readonly resp_ephemeral?: string
  readonly resp_psks?: readonly string[]
  readonly handshake_hash: string
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[]
}

const file = readSharedJson('noise/cacophony_25519_ChaChaPoly_SHA256.json') as { vectors: readonly Vector[] } | undefined

for (const engine of [nobleEngine, nodeEngine]) {
  ;(file ? describe : describe.skip)(`Noise with the ${engine.name} engine gives the published bytes`, () => {
    for (const vector of file?.vectors ?? [placeholder()]) it(`of ${vector.protocol_name}`, () => checkVector(engine, vector))
  })
}

it('runs all six published vectors when they are there', () => {
  if (file) expect(file.vectors).toHaveLength(6)
})

describe('a handshake', () => {
  const DH = { alice: keyPair(nodeEngine, 'a1'.repeat(32)), bob: keyPair(nodeEngine, 'b0'.repeat(32)) }
  const prologue = new Uint8Array(0)
  const pair = (): [Noise, Noise] => [
    createNoise({ pattern: 'XX', role: 'initiator', prologue, staticKey: DH.alice }),
    createNoise({ pattern: 'XX', role: 'responder', prologue, staticKey: DH.bob }),
  ]
  const empty = new Uint8Array(0)
  const noiseError = expect.objectContaining({ code: 'ERR_NOISE' })

  it('tells both sides who the other is, and the same hash', () => {
    const [alice, bob] = pair()
    bob.readMessage(alice.writeMessage(empty))
    alice.readMessage(bob.writeMessage(empty))
    bob.readMessage(alice.writeMessage(empty))
    expect(encodeHex(alice.remoteStatic ?? empty)).toBe(encodeHex(DH.bob.public))
    expect(encodeHex(bob.remoteStatic ?? empty)).toBe(encodeHex(DH.alice.public))
    expect(encodeHex(alice.handshakeHash)).toBe(encodeHex(bob.handshakeHash))
  })

  it('knows whose turn it is', () => {
    const [alice, bob] = pair()
    expect(() => bob.writeMessage(empty)).toThrow(TypeError)
    expect(() => alice.readMessage(empty)).toThrow(noiseError)
    expect(() => alice.split()).toThrow(TypeError)
  })

  it('is over after a message that did not fit', () => {
    const [alice, bob] = pair()
    const first = alice.writeMessage(empty)
    expect(() => bob.readMessage(first.subarray(1))).toThrow(noiseError)
    expect(() => bob.readMessage(first)).toThrow(noiseError)
    expect(() => bob.writeMessage(empty)).toThrow(TypeError)
  })

  it('takes messages of 65,535 bytes and not one more', () => {
    const [alice, bob] = pair()
    const longest = alice.writeMessage(new Uint8Array(65_535 - 32))
    expect(bob.readMessage(longest)).toHaveLength(65_535 - 32)
    expect(() => pair()[0].writeMessage(new Uint8Array(65_536 - 32))).toThrow(RangeError)
    expect(() => pair()[1].readMessage(new Uint8Array(65_536))).toThrow(noiseError)
  })

  it('refuses an ephemeral key that makes every secret zero, before it answers', () => {
    const [, bob] = pair()
    bob.readMessage(new Uint8Array(32))
    expect(() => bob.writeMessage(empty)).toThrow(noiseError)
  })

  it('names what is missing: a pattern, a static key, the responder, a psk', () => {
    const make = (options: object) => () =>
      createNoise({ pattern: 'XX', role: 'initiator', prologue, ...options } as NoiseOptions)
    expect(make({ pattern: 'XY' })).toThrow('pattern')
    expect(make({})).toThrow('staticKey')
    expect(make({ pattern: 'X', staticKey: DH.alice })).toThrow('remoteStatic')
    expect(make({ pattern: 'XXpsk3', staticKey: DH.alice })).toThrow('psk')
    expect(make({ pattern: 'XXpsk3', staticKey: DH.alice, psk: new Uint8Array(31) })).toThrow('psk')
  })

  it('needs the same psk on both sides', () => {
    const ends = ([1, 2] as const).map((psk, index) =>
      createNoise({
        pattern: 'XXpsk3',
        role: index === 0 ? 'initiator' : 'responder',
        prologue,
        staticKey: index === 0 ? DH.alice : DH.bob,
        psk: new Uint8Array(32).fill(psk),
      }),
    ) as [Noise, Noise]
    ends[1].readMessage(ends[0].writeMessage(empty))
    ends[0].readMessage(ends[1].writeMessage(empty))
    const third = ends[0].writeMessage(empty)
    expect(() => ends[1].readMessage(third)).toThrow(noiseError)
  })

  it('reads no random bytes as a message of its own', () => {
    fuzz(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const [alice] = pair()
        alice.writeMessage(empty)
        expect(() => alice.readMessage(bytes)).toThrow(noiseError)
      }),
    )
  })
})

describe('a cipher', () => {
  const empty = new Uint8Array(0)
  const key = new Uint8Array(32).fill(7)

  for (const engine of [nobleEngine, nodeEngine]) {
    it(`counts, refuses what is out of order, and stays where it was (${engine.name})`, () => {
      const [send, receive] = [createCipherState({ engine, key }), createCipherState({ engine, key })]
      const [one, two] = [send.encrypt(empty, Uint8Array.of(1)), send.encrypt(empty, Uint8Array.of(2))]
      expect(() => receive.decrypt(empty, two)).toThrow(expect.objectContaining({ code: 'ERR_NOISE' }))
      expect(receive.nonce).toBe(0)
      expect([...receive.decrypt(empty, one), ...receive.decrypt(empty, two)]).toEqual([1, 2])
      expect(send.nonce).toBe(2)
    })

    it(`may prepare at any time, and says the same (${engine.name})`, () => {
      const [send, plain, receive] = [key, key, key].map((one) => createCipherState({ engine, key: one })) as [
        CipherState,
        CipherState,
        CipherState,
      ]
      for (let nonce = 0; nonce < 6; nonce++) {
        send.prepare('seal')
        if (nonce % 2 === 0) receive.prepare('open')
        if (nonce === 3) for (const cipher of [send, plain, receive]) cipher.rekey()
        const sealed = send.encrypt(empty, Uint8Array.of(nonce))
        expect(encodeHex(sealed)).toBe(encodeHex(plain.encrypt(empty, Uint8Array.of(nonce))))
        expect(receive.tryDecrypt(empty, Uint8Array.of(...sealed.subarray(1), 0))).toBeUndefined()
        expect([...receive.decrypt(empty, sealed)]).toEqual([nonce])
      }
    })

    it(`takes its next key from the last nonce, and counts on (${engine.name})`, () => {
      const cipher = createCipherState({ engine, key })
      cipher.encrypt(empty, empty)
      cipher.rekey()
      const last = decodeHex('00000000ffffffffffffffff')
      const next = engine.createAead(engine.createAead(key).seal(last, empty, new Uint8Array(32)).subarray(0, 32))
      const expected = next.seal(decodeHex('000000000100000000000000'), empty, Uint8Array.of(9))
      expect(encodeHex(cipher.encrypt(empty, Uint8Array.of(9)))).toBe(encodeHex(expected))
    })
  }
})

function checkVector(engine: Engine, vector: Vector): void {
  const alice = createNoise(optionsOf(engine, vector, 'initiator'))
  const bob = createNoise(optionsOf(engine, vector, 'responder'))
  let turns: readonly [Noise, Noise] = [alice, bob]
  let index = 0
  for (; !alice.finished; index++) {
    const { payload, ciphertext } = vector.messages[index] as Vector['messages'][number]
    const message = turns[0].writeMessage(decodeHex(payload))
    expect(encodeHex(message)).toBe(ciphertext)
    expect(encodeHex(turns[1].readMessage(message))).toBe(payload)
    turns = [turns[1], turns[0]]
  }
  expect(bob.finished).toBe(true)
  expect(encodeHex(alice.handshakeHash)).toBe(vector.handshake_hash)
  expect(encodeHex(bob.handshakeHash)).toBe(vector.handshake_hash)
  const ends = { alice: alice.split(), bob: bob.split() }
  const oneWay = vector.protocol_name.includes('_X_') || vector.protocol_name.includes('_Xpsk1_')
  for (; index < vector.messages.length; index++) {
    const { payload, ciphertext } = vector.messages[index] as Vector['messages'][number]
    const [from, to] = oneWay || index % 2 === 0 ? [ends.alice, ends.bob] : [ends.bob, ends.alice]
    const sealed = from.send.encrypt(new Uint8Array(0), decodeHex(payload))
    expect(encodeHex(sealed)).toBe(ciphertext)
    expect(encodeHex(to.receive.decrypt(new Uint8Array(0), sealed))).toBe(payload)
  }
}

function optionsOf(engine: Engine, vector: Vector, role: 'initiator' | 'responder'): NoiseOptions {
  const isInitiator = role === 'initiator'
  const own = isInitiator ? vector.init_static : vector.resp_static
  const ephemeral = isInitiator ? vector.init_ephemeral : vector.resp_ephemeral
  const psk = (isInitiator ? vector.init_psks : vector.resp_psks)?.[0]
  return {
    engine,
    role,
    pattern: vector.protocol_name.split('_')[1] as PatternName,
    prologue: decodeHex(isInitiator ? vector.init_prologue : vector.resp_prologue),
    ...(own === undefined ? {} : { staticKey: keyPair(engine, own) }),
    ...(ephemeral === undefined ? {} : { ephemeral: keyPair(engine, ephemeral) }),
    ...(psk === undefined ? {} : { psk: decodeHex(psk) }),
    ...(isInitiator && vector.init_remote_static !== undefined ? { remoteStatic: decodeHex(vector.init_remote_static) } : {}),
  }
}

function keyPair(engine: Engine, secretHex: string): DhKeyPair {
  const secret = decodeHex(secretHex)
  return { secret, public: engine.createDhKey(secret).public }
}

function placeholder(): Vector {
  return { protocol_name: 'every pattern', init_prologue: '', resp_prologue: '', handshake_hash: '', messages: [] }
}
