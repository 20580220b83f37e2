import { describe, expect, it } from '@jest/globals'
import { decodeHex, encodeHex } from '@resilient-swarm/contract'
import { type Engine, nobleEngine } from '@resilient-swarm/identity/engine'
import { createNoise, type DhKeyPair, type Noise, type NoiseOptions, type PatternName } from '@resilient-swarm/identity/noise'
import { readSharedJson } from '@resilient-swarm/testkit'
import { engine as nodeEngine } from '../src/engine-node.ts'

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
