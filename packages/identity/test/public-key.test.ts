import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { ed25519 } from '@noble/curves/ed25519.js'
import { concatBytes, decodeHex, encodeHex, SwarmError } from '@resilient-swarm/contract'
import {
  createKeyPair,
  DOMAINS,
  openEnvelope,
  type PublicKey,
  parsePublicKey,
  sealEnvelope,
  toDhPublic,
} from '@resilient-swarm/identity'
import { nobleEngine } from '@resilient-swarm/identity/engine'
import fc from 'fast-check'
import { engine as nodeEngine } from '../src/engine-node.ts'
import { verifyStrict } from '../src/public-key.ts'
import { fuzz } from './fuzz.ts'

const { Point } = ed25519
const P = Point.Fp.ORDER
const L = Point.Fn.ORDER

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))
}

function withSign(bytes: Uint8Array): Uint8Array {
  const signed = bytes.slice()
  signed[31] = (signed[31] as number) | 0x80
  return signed
}

/** All eight points of small order, found by their property rather than from a list. */
function smallOrderPoints(): Uint8Array[] {
  const found = new Map<string, Uint8Array>()
  for (let y = 2n; found.size < 8; y++) {
    try {
      const point = Point.fromBytes(littleEndian(y))
        .multiplyUnsafe(L - 1n)
        .add(Point.fromBytes(littleEndian(y)))
      found.set(encodeHex(point.toBytes()), point.toBytes())
    } catch {} // not on the curve
  }
  return [...found.values()]
}

const keyError = expect.objectContaining({ code: 'ERR_KEY_INVALID' })

describe('a public key', () => {
  it('is copied, so that the giver cannot change it later', () => {
    const given = createKeyPair().publicKey.slice()
    const key = parsePublicKey(given)
    given.fill(0)
    expect(key.some((byte) => byte !== 0)).toBe(true)
  })

  it('is refused with 31 or 33 bytes', () => {
    for (const size of [0, 31, 33]) expect(() => parsePublicKey(new Uint8Array(size))).toThrow(keyError)
  })

  it('is refused when it is one of the eight points of small order, with either sign', () => {
    const points = smallOrderPoints()
    expect(points).toHaveLength(8)
    for (const point of points) {
      expect(() => parsePublicKey(point)).toThrow(keyError)
      expect(() => parsePublicKey(withSign(point))).toThrow(keyError)
    }
  })

  it('is refused when y is p or above', () => {
    for (let extra = 0n; extra < 19n; extra++) {
      expect(() => parsePublicKey(littleEndian(P + extra))).toThrow(keyError)
      expect(() => parsePublicKey(withSign(littleEndian(P + extra)))).toThrow(keyError)
    }
  })

  it('is refused when it is no point of the curve, which half of all numbers are', () => {
    const isKey = (y: bigint) => {
      try {
        return parsePublicKey(littleEndian(y)).byteLength === 32
      } catch (error) {
        expect(error).toEqual(keyError)
        return false
      }
    }
    const keys = Array.from({ length: 100 }, (_, index) => isKey(BigInt(index + 2))).filter(Boolean).length
    expect(keys).toBeGreaterThan(30)
    expect(keys).toBeLessThan(70)
  })

  it('is exactly what the curve itself calls a point that is not of small order', () => {
    // The slow twin: decompressing and multiplying by the cofactor, where the code compares encodings.
    const isKeyByCurve = (bytes: Uint8Array) => {
      try {
        return !Point.fromBytes(bytes, false).isSmallOrder()
      } catch {
        return false
      }
    }
    const isKey = (bytes: Uint8Array) => {
      try {
        return parsePublicKey(bytes).byteLength === 32
      } catch {
        return false
      }
    }
    const near = (value: bigint) =>
      fc.integer({ min: -20, max: 20 }).map((step) => littleEndian((value + BigInt(step) + 2n ** 255n) % 2n ** 255n))
    const encoding = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom(...smallOrderPoints()),
      near(0n),
      near(P),
    )
    fuzz(
      fc.property(encoding, fc.boolean(), (bytes, isNegative) => {
        const bent = isNegative ? withSign(bytes) : bytes
        expect(isKey(bent)).toBe(isKeyByCurve(bent))
      }),
    )
  })

  it('has the X25519 form that the curve gives it, asked once or twice, and a copy each time', () => {
    for (let count = 0; count < 20; count++) {
      const { publicKey } = createKeyPair()
      const form = encodeHex(ed25519.utils.toMontgomery(publicKey))
      expect(encodeHex(toDhPublic(publicKey))).toBe(form)
      toDhPublic(publicKey).fill(0)
      expect(encodeHex(toDhPublic(publicKey))).toBe(form)
    }
    const notOnTheCurve = littleEndian(2n) as PublicKey
    expect(() => toDhPublic(notOnTheCurve)).toThrow(keyError)
  })

  it('is either a key or a typed error, whatever the bytes are', () => {
    fuzz(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          expect(encodeHex(parsePublicKey(bytes))).toBe(encodeHex(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(SwarmError)
          expect(error).toEqual(keyError)
        }
      }),
    )
  })
})

describe('the author of an envelope', () => {
  it('is a key that would be parsed, or a typed error says which of key and signature is wrong', () => {
    const domain = DOMAINS.record
    const sealed = sealEnvelope({ keyPair: createKeyPair(), domain, payload: Uint8Array.of(1) })
    const codeOf = (key: Uint8Array) => {
      try {
        openEnvelope({ domain, bytes: concatBytes(key, sealed.subarray(32)) })
        return 'opened'
      } catch (error) {
        return (error as SwarmError).code
      }
    }
    const isKey = (key: Uint8Array) => {
      try {
        return parsePublicKey(key).byteLength === 32
      } catch {
        return false
      }
    }
    expect(codeOf(sealed.subarray(0, 32))).toBe('opened')
    const others = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom(...smallOrderPoints()))
    fuzz(
      fc.property(others, (key) => {
        expect(codeOf(key)).toBe(isKey(key) ? 'ERR_ENVELOPE_SIGNATURE' : 'ERR_ENVELOPE_KEY')
      }),
      200,
    )
  })
})

describe('strict verification', () => {
  const message = Uint8Array.of(1, 2, 3)
  const alice = nodeEngine.createSigningKey(new Uint8Array(32).fill(1))
  const signature = alice.sign(message)
  const s = signature.subarray(32)

  it('refuses S + L, which ZIP-215 would also refuse, and every S from L on', () => {
    const value = BigInt(`0x${encodeHex(Uint8Array.from(s).reverse())}`)
    for (const bad of [value + L, L, L + 1n, (1n << 255n) - 1n]) {
      const bent = concatBytes(signature.subarray(0, 32), littleEndian(bad))
      expect(verifyStrict({ publicKey: alice.public, message, signature: bent })).toBe(false)
    }
  })

  it('refuses small-order keys and small-order R, whatever the equation says', () => {
    for (const point of smallOrderPoints()) {
      for (const engine of [nobleEngine, nodeEngine]) {
        // With A and R of small order and S = 0 the equation holds for one message in eight at least.
        const forged = concatBytes(point, new Uint8Array(32))
        expect(verifyStrict({ publicKey: point, message, signature: forged }, engine)).toBe(false)
        expect(verifyStrict({ publicKey: alice.public, message, signature: concatBytes(point, s) }, engine)).toBe(false)
      }
    }
  })

  it('does not ask the engine at all about what is not strict', () => {
    const asked: unknown[] = []
    const eager = { ...nodeEngine, verifyEd25519: (input: unknown) => asked.push(input) > 0 }
    const inputs = [
      { publicKey: decodeHex('00'.repeat(32)), message, signature },
      { publicKey: littleEndian(P + 3n), message, signature },
      { publicKey: alice.public, message, signature: concatBytes(littleEndian(1n), s) },
      { publicKey: alice.public, message, signature: concatBytes(littleEndian(P + 3n), s) },
      { publicKey: alice.public, message, signature: concatBytes(signature.subarray(0, 32), littleEndian(L)) },
      { publicKey: alice.public.subarray(1), message, signature },
      { publicKey: alice.public, message, signature: signature.subarray(1) },
    ]
    for (const input of inputs) expect(verifyStrict(input, eager)).toBe(false)
    expect(asked).toHaveLength(0)
    expect(
      verifyStrict(
        { publicKey: alice.public, message, signature: concatBytes(signature.subarray(0, 32), littleEndian(L - 1n)) },
        eager,
      ),
    ).toBe(true)
  })

  it('gives one verdict on keys with a small-order part, on both engines', () => {
    // Mallory adds a point of order 8 to her key and signs until the cofactor makes a difference.
    const torsion = Point.fromBytes(
      smallOrderPoints().find((point) => !Point.fromBytes(point).multiplyUnsafe(4n).is0()) as Uint8Array,
    )
    const mixed = Point.fromBytes(alice.public).add(torsion).toBytes()
    const verdicts = Array.from({ length: 40 }, (_, index) => {
      const text = Uint8Array.of(index)
      const input = { publicKey: mixed, message: text, signature: signFor(mixed, text) }
      const [one, other] = [nobleEngine, nodeEngine].map((engine) => verifyStrict(input, engine))
      expect(one).toBe(other)
      return one
    })
    expect(new Set(verdicts)).toEqual(new Set([true, false]))
  })
})

/** RFC 8032 §5.1.6 with alice's scalar, hashing another public key than hers. */
function signFor(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const { scalar } = ed25519.utils.getExtendedPublicKey(new Uint8Array(32).fill(1))
  const nonce = 1234567n + BigInt(message[0] ?? 0)
  const r = Point.BASE.multiply(nonce).toBytes()
  const digest = createHash('sha512')
    .update(concatBytes(r, publicKey, message))
    .digest()
  const k = BigInt(`0x${encodeHex(Uint8Array.from(digest).reverse())}`) % L
  return concatBytes(r, littleEndian((nonce + k * scalar) % L))
}
