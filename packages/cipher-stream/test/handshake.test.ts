import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeHex, SwarmError } from '@resilient-swarm/contract'
import type { KeyPair, PublicKey } from '@resilient-swarm/identity'
import { createNoise } from '@resilient-swarm/identity/noise'
import { createSeededRandom } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { createHandshake, encodePayload, encodePrologue, type Handshake, type HandshakeOptions } from '../src/handshake.ts'
import { HANDSHAKE_MESSAGE_BYTES_MAX } from '../src/limits.ts'
import { fuzz } from './fuzz.ts'
import { ALICE, BOB, MALLORY } from './secure-pair.ts'

const FACTS = { network: 'public', kind: 'memory', binding: Uint8Array.of(1, 2, 3, 4), nowMs: 1_700_000_000_000 }

function alice(changes: Partial<HandshakeOptions> = {}): Handshake {
  const own = { role: 'initiator', keyPair: ALICE, expected: BOB.publicKey, random: createSeededRandom(1) } as const
  return createHandshake({ ...FACTS, ...own, ...changes })
}

function bob(changes: Partial<HandshakeOptions> = {}): Handshake {
  const own = { role: 'responder', keyPair: BOB, expected: ALICE.publicKey, random: createSeededRandom(2) } as const
  return createHandshake({ ...FACTS, ...own, ...changes })
}

const start = (handshake: Handshake) => handshake.start() as Uint8Array
const reply = (handshake: Handshake, message: Uint8Array) => handshake.receive(message).reply as Uint8Array

/** Who fails, where, and with which code: `undefined` when both proved their keys. */
function outcome(one: Handshake, other: Handshake): string | undefined {
  const first = start(one)
  const second = reply(other, first)
  try {
    const { reply: third } = one.receive(second)
    try {
      expect(other.receive(third as Uint8Array).proven).toBeDefined()
      return undefined
    } catch (error) {
      return `bob: ${(error as SwarmError).code}`
    }
  } catch (error) {
    return `alice: ${(error as SwarmError).code}`
  }
}

/** The three messages of a good handshake, always the same. */
function transcript(): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const [one, other] = [alice(), bob()]
  const first = start(one)
  const second = reply(other, first)
  return [first, second, reply(one, second)]
}

/** Hands bob or alice a changed message of the otherwise good handshake. */
function receiveChanged(index: 0 | 1 | 2, change: (message: Uint8Array) => Uint8Array): void {
  const [first, second, third] = transcript()
  if (index === 1) {
    const one = alice()
    start(one)
    one.receive(change(second))
  } else if (index === 2) {
    const other = bob()
    other.receive(first)
    other.receive(change(third))
  } else {
    const [one, other] = [alice(), bob()]
    start(one)
    one.receive(reply(other, change(first))) // a bare ephemeral proves nothing: the change shows one message later
  }
}

const typed = expect.objectContaining({ code: expect.stringMatching(/^ERR_HANDSHAKE_(FAILED|KEY|PEER)$/) })

describe('the handshake', () => {
  it('proves both keys, tells both times, and gives both sides one hash and fitting ciphers', () => {
    const [one, other] = [alice({ nowMs: 5 }), bob({ nowMs: 2 ** 53 - 1 })]
    const second = reply(other, start(one))
    const { reply: third, proven: atAlice } = one.receive(second)
    const { proven: atBob } = other.receive(third as Uint8Array)
    if (!atAlice || !atBob) throw new Error('not proven')
    expect(encodeHex(atAlice.remotePublicKey)).toBe(encodeHex(BOB.publicKey))
    expect(encodeHex(atBob.remotePublicKey)).toBe(encodeHex(ALICE.publicKey))
    expect([atAlice.remoteTimeMs, atBob.remoteTimeMs]).toEqual([2 ** 53 - 1, 5])
    expect(encodeHex(atAlice.handshakeHash)).toBe(encodeHex(atBob.handshakeHash))
    const ad = new Uint8Array(0)
    expect([...atBob.receive.decrypt(ad, atAlice.send.encrypt(ad, Uint8Array.of(7)))]).toEqual([7])
    expect([...atAlice.receive.decrypt(ad, atBob.send.encrypt(ad, Uint8Array.of(8)))]).toEqual([8])
  })

  const facts: readonly [string, Partial<HandshakeOptions>, string | undefined][] = [
    ['nothing', {}, undefined],
    ['the network', { network: 'publi' }, 'alice: ERR_HANDSHAKE_FAILED'],
    ['the kind of path', { kind: 'webrtc' }, 'alice: ERR_HANDSHAKE_FAILED'],
    ['the binding', { binding: Uint8Array.of(1, 2, 3, 5) }, 'alice: ERR_HANDSHAKE_FAILED'],
    ['where one fact ends and the next begins', { network: 'publicm', kind: 'emory' }, 'alice: ERR_HANDSHAKE_FAILED'],
  ]
  it.each(facts)('ends as it must when the two sides differ in %s', (_, changes, expected) => {
    expect(outcome(alice(), bob(changes))).toBe(expected)
  })

  it('ends before alice says who she is when the path leads to mallory', () => {
    expect(outcome(alice(), bob({ keyPair: MALLORY }))).toBe('alice: ERR_HANDSHAKE_PEER')
    expect(outcome(alice({ keyPair: MALLORY }), bob())).toBe('bob: ERR_HANDSHAKE_PEER')
  })

  it('takes anyone who proves a key when nobody is expected', () => {
    const other = createHandshake({ ...FACTS, keyPair: MALLORY, role: 'responder', random: createSeededRandom(3) })
    expect(outcome(alice({ expected: MALLORY.publicKey }), other)).toBeUndefined()
  })

  const liars: readonly [string, PublicKey][] = [
    ['the key of somebody else', ALICE.publicKey],
    ['the key that was called', BOB.publicKey],
    ['its own key with the other sign, when another one is expected', flipSign(MALLORY.publicKey)],
    ['no key at all', new Uint8Array(32) as PublicKey],
  ]
  it.each(liars)('does not let mallory claim %s', (_, publicKey) => {
    const liar: KeyPair = { ...MALLORY, publicKey }
    expect(outcome(alice(), bob({ keyPair: liar }))).toMatch(/^alice: ERR_HANDSHAKE_(KEY|PEER)$/)
    expect(outcome(alice({ keyPair: liar }), bob())).toMatch(/^bob: ERR_HANDSHAKE_(KEY|PEER)$/)
  })

  it('fails for every message that is cut short', () => {
    for (const index of [0, 1, 2] as const) {
      for (let size = 0; size < transcript()[index].byteLength; size++) {
        expect(() => receiveChanged(index, (message) => message.subarray(0, size))).toThrow(typed)
      }
    }
  })

  it('fails for every byte of every message with a bit turned, or with a byte more', () => {
    for (const index of [0, 1, 2] as const) {
      for (let at = 0; at < transcript()[index].byteLength; at++) {
        expect(() => receiveChanged(index, (message) => flipBit(message, at * 8 + (at % 8)))).toThrow(typed)
      }
      expect(() => receiveChanged(index, (message) => concatBytes(message, Uint8Array.of(0)))).toThrow(typed)
    }
  })

  it('fails for the unused top bit of an ephemeral key, which changes no secret but was changed on its way', () => {
    expect(() => receiveChanged(0, (message) => flipBit(message, 255))).toThrow(typed)
    expect(() => receiveChanged(1, (message) => flipBit(message, 255))).toThrow(typed)
  })

  it('fails when messages of it, or of an earlier one, come twice or in another order', () => {
    const [first, second, third] = transcript()
    const orders = [
      [first, first],
      [first, second],
      [first, third],
      [second, third],
      [third, second],
    ]
    for (const order of orders) {
      const other = bob({ random: createSeededRandom(9) })
      expect(() => order.map((message) => other.receive(message))).toThrow(typed)
    }
    for (const message of [first, second, third]) {
      const one = alice({ random: createSeededRandom(9) })
      start(one)
      expect(() => one.receive(message)).toThrow(typed)
    }
  })

  it('fails for alice when her own messages are sent back to her', () => {
    const one = alice({ expected: ALICE.publicKey })
    const first = start(one)
    expect(() => one.receive(first)).toThrow(typed)
    const [left, right] = [alice(), alice({ random: createSeededRandom(5) })]
    start(left)
    expect(() => left.receive(start(right))).toThrow(typed)
  })

  it('fails for an ephemeral key that makes every secret zero', () => {
    expect(() => bob().receive(new Uint8Array(32))).toThrow(typed)
    expect(() => receiveChanged(1, (message) => message.fill(0, 0, 32))).toThrow(typed)
  })

  it('reads messages up to the limit and not one byte more', () => {
    const other = bob()
    expect(other.receive(concatBytes(transcript()[0], new Uint8Array(HANDSHAKE_MESSAGE_BYTES_MAX - 32))).reply).toBeDefined()
    const tooLong = concatBytes(transcript()[0], new Uint8Array(HANDSHAKE_MESSAGE_BYTES_MAX - 31))
    expect(() => bob().receive(tooLong)).toThrow(typed)
  })

  it('is refused with a typed error, in at most 50 ms, whatever the bytes are', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 32, maxLength: 32 }))
    const [first] = transcript()
    fuzz(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 3 }), fc.boolean(), (messages, afterGoodStart) => {
        const [one, other] = [alice(), bob()]
        start(one)
        if (afterGoodStart) other.receive(first)
        for (const handshake of [one, other]) {
          let isProven = false
          try {
            isProven = messages.some((message) => handshake.receive(message).proven !== undefined)
          } catch (error) {
            expect(error).toBeInstanceOf(SwarmError)
            expect(error).toEqual(typed)
          }
          expect(isProven).toBe(false)
        }
      }),
    )
  })

  it('says the same of messages of 64 KiB at once', () => {
    const startedMs = performance.now()
    expect(() => bob().receive(new Uint8Array(64 * 1024))).toThrow(typed)
    expect(performance.now() - startedMs).toBeLessThan(50)
  })
})

describe('what a handshake says', () => {
  it('begins with the facts of the path, each after its length', () => {
    const prologue = encodePrologue({ network: 'net', kind: 'k', binding: Uint8Array.of(9, 8) })
    expect(encodeHex(prologue)).toBe('0972732f312f70617468' + '036e6574' + '016b' + '020908')
  })

  it('never tells a time before 1970 or in parts of a millisecond', () => {
    expect(encodeHex(encodePayload(ALICE.publicKey, -5).subarray(33))).toBe('00')
    expect(encodeHex(encodePayload(ALICE.publicKey, 1.9).subarray(33))).toBe('01')
  })

  /** Bob's own program, saying whatever it likes in place of the payload. */
  function listenTo(payload: Uint8Array) {
    const one = alice()
    const noise = createNoise({ pattern: 'XX', role: 'responder', prologue: encodePrologue(FACTS), staticKey: BOB.dh })
    noise.readMessage(start(one))
    return one.receive(noise.writeMessage(payload)).proven
  }

  it('may say more in later versions, which this one does not read', () => {
    const payload = encodePayload(BOB.publicKey, 1234)
    expect(listenTo(payload)?.remoteTimeMs).toBe(1234)
    expect(listenTo(concatBytes(payload, new Uint8Array(800)))?.remoteTimeMs).toBe(1234)
  })

  it('is refused in another version, without a time, or with a time that has two spellings', () => {
    const payload = encodePayload(BOB.publicKey, 1234)
    const keyOnly = payload.subarray(0, 33)
    const bad = [
      concatBytes(Uint8Array.of(0), payload.subarray(1)),
      concatBytes(Uint8Array.of(2), payload.subarray(1)),
      keyOnly,
      concatBytes(keyOnly, Uint8Array.of(0x80)),
      concatBytes(keyOnly, Uint8Array.of(0x80, 0x00)),
      concatBytes(keyOnly, new Uint8Array(8).fill(0xff)),
    ]
    for (const one of bad) expect(() => listenTo(one)).toThrow(expect.objectContaining({ code: 'ERR_HANDSHAKE_FAILED' }))
    for (let size = 0; size < payload.byteLength; size++) expect(() => listenTo(payload.subarray(0, size))).toThrow(typed)
  })
})

function flipBit(message: Uint8Array, bit: number): Uint8Array {
  const changed = message.slice()
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}

function flipSign(key: PublicKey): PublicKey {
  return flipBit(key, 255) as PublicKey
}
