import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeHex, encodeHex, utf8 } from '@resilient-swarm/contract'
import { type Aead, defaultEngine, HKDF_BYTES_MAX, nobleEngine } from '@resilient-swarm/identity/engine'
import { readSharedJson } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { engine as nodeEngine } from '../src/engine-node.ts'
import { verifyStrict } from '../src/public-key.ts'
import { fuzz } from './fuzz.ts'

interface Group<Test> {
  readonly publicKey?: { readonly pk: string }
  readonly tests: readonly (Test & { readonly tcId: number; readonly result: string; readonly flags: readonly string[] })[]
}

/** Every test of a Wycheproof file, with its group; undefined (and said so) where the file is not there. */
function readWycheproof<Test>(name: string, count: number) {
  const file = readSharedJson(`wycheproof/${name}_test.json`) as { testGroups: readonly Group<Test>[] } | undefined
  if (!file) return undefined
  const all = file.testGroups.flatMap((group) => group.tests.map((test) => ({ ...test, group })))
  expect(all).toHaveLength(count)
  return all
}

const EMPTY = new Uint8Array(0)
const ENGINES = [nobleEngine, nodeEngine]

it('takes node:crypto as the default in Node', () => {
  expect(defaultEngine.name).toBe('node')
})

for (const engine of ENGINES) {
  describe(`Wycheproof on the ${engine.name} engine`, () => {
    it('agrees on all of chacha20_poly1305', () => {
      type Aead = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string }
      for (const test of readWycheproof<Aead>('chacha20_poly1305', 325) ?? []) {
        const [key, nonce, ad, message] = [test.key, test.iv, test.aad, test.msg].map(decodeHex) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ]
        const aead = engine.createAead(key)
        const sealed = decodeHex(test.ct + test.tag)
        if (test.flags.includes('InvalidNonceSize')) {
          expect(() => aead.seal(nonce, ad, message)).toThrow(RangeError)
          expect(() => aead.open(nonce, ad, sealed)).toThrow(RangeError)
        } else if (test.result === 'valid') {
          expect(encodeHex(aead.seal(nonce, ad, message))).toBe(test.ct + test.tag)
          expect(encodeHex(aead.open(nonce, ad, sealed) ?? EMPTY)).toBe(test.msg)
        } else {
          expect(aead.open(nonce, ad, sealed)).toBeUndefined()
        }
      }
    })

    it('agrees on all of x25519, and refuses every zero secret', () => {
      for (const test of readWycheproof<{ public: string; private: string; shared: string }>('x25519', 518) ?? []) {
        const compute = () => engine.createDhKey(decodeHex(test.private)).shared(decodeHex(test.public))
        if (test.flags.includes('ZeroSharedSecret')) expect(compute).toThrow(expect.objectContaining({ code: 'ERR_DH_ZERO' }))
        else expect(encodeHex(compute())).toBe(test.shared)
      }
    })

    it('agrees on all of ed25519, strictly', () => {
      for (const test of readWycheproof<{ msg: string; sig: string }>('ed25519', 151) ?? []) {
        const input = {
          publicKey: decodeHex(test.group.publicKey?.pk ?? ''),
          message: decodeHex(test.msg),
          signature: decodeHex(test.sig),
        }
        expect({ tcId: test.tcId, isValid: verifyStrict(input, engine) }).toEqual({
          tcId: test.tcId,
          isValid: test.result === 'valid',
        })
      }
    })

    it('agrees on all of hkdf_sha256', () => {
      for (const test of readWycheproof<{ ikm: string; salt: string; info: string; size: number; okm: string }>(
        'hkdf_sha256',
        86,
      ) ?? []) {
        const derive = () =>
          engine.hkdfSha256({
            ikm: decodeHex(test.ikm),
            salt: decodeHex(test.salt),
            info: decodeHex(test.info),
            lengthBytes: test.size,
          })
        if (test.result === 'valid') expect(encodeHex(derive())).toBe(test.okm)
        else expect(derive).toThrow(RangeError)
      }
    })
  })

  describe(`the ${engine.name} engine`, () => {
    it('refuses keys of a wrong size with a RangeError', () => {
      for (const size of [0, 31, 33]) {
        expect(() => engine.createAead(new Uint8Array(size))).toThrow(RangeError)
        expect(() => engine.createDhKey(new Uint8Array(size))).toThrow(RangeError)
        expect(() => engine.createSigningKey(new Uint8Array(size))).toThrow(RangeError)
        expect(() => engine.createDhKey(new Uint8Array(32).fill(1)).shared(new Uint8Array(size))).toThrow(RangeError)
      }
    })

    it('derives 255 × 32 bytes and not one more', () => {
      const derive = (lengthBytes: number) => engine.hkdfSha256({ ikm: EMPTY, salt: EMPTY, info: EMPTY, lengthBytes })
      expect(derive(HKDF_BYTES_MAX)).toHaveLength(HKDF_BYTES_MAX)
      expect(() => derive(HKDF_BYTES_MAX + 1)).toThrow(RangeError)
      expect(() => derive(0)).toThrow(RangeError)
    })

    it('hands out plain Uint8Arrays, whose slice is a copy', () => {
      const aead = engine.createAead(new Uint8Array(32))
      const sealed = aead.seal(new Uint8Array(12), EMPTY, utf8('x'))
      const dh = engine.createDhKey(new Uint8Array(32).fill(1))
      const signing = engine.createSigningKey(new Uint8Array(32))
      const made = [sealed, aead.open(new Uint8Array(12), EMPTY, sealed), engine.sha256(EMPTY), dh.public, dh.shared(dh.public)]
      for (const bytes of [...made, signing.public, signing.sign(EMPTY)]) expect(bytes?.constructor).toBe(Uint8Array)
    })

    it('says no, without throwing, to what is shorter than a tag', () => {
      const aead = engine.createAead(new Uint8Array(32))
      for (let size = 0; size < 16; size++) expect(aead.open(new Uint8Array(12), EMPTY, new Uint8Array(size))).toBeUndefined()
    })
  })
}

describe('the two engines', () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })

  it('seal, hash, derive, agree and sign to the same bytes', () => {
    fuzz(
      fc.property(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 40 }),
        (key, nonce, text, ad) => {
          const [one, other] = ENGINES.map((engine) => {
            const signing = engine.createSigningKey(key)
            return [
              engine.createAead(key).seal(nonce, ad, text),
              engine.sha256(text),
              engine.hkdfSha256({ ikm: text, salt: ad, info: nonce, lengthBytes: 70 }),
              signing.public,
              signing.sign(text),
              engine.createDhKey(key).public,
            ].map(encodeHex)
          })
          expect(one).toEqual(other)
        },
      ),
      100,
    )
  })

  it('agree on every message, whatever was prepared before it', () => {
    const [noble, node] = ENGINES.map((engine) => engine.createAead(new Uint8Array(32).fill(7))) as [Aead, Aead]
    const step = fc.record({
      prepare: fc.constantFrom('seal', 'open', 'neither'),
      prepared: fc.nat({ max: 2 }),
      used: fc.nat({ max: 2 }),
      does: fc.constantFrom('seal', 'open', 'open what was changed'),
    })
    fuzz(
      fc.property(fc.array(step, { maxLength: 12 }), fc.uint8Array({ maxLength: 100 }), (steps, text) => {
        for (const { prepare, prepared, used, does } of steps) {
          const nonce = new Uint8Array(12).fill(used)
          if (prepare !== 'neither') node.prepare?.(prepare, new Uint8Array(12).fill(prepared))
          const sealed = noble.seal(nonce, EMPTY, text)
          if (does === 'seal') {
            expect(encodeHex(node.seal(nonce, EMPTY, text))).toBe(encodeHex(sealed))
          } else if (does === 'open') {
            expect(encodeHex(node.open(nonce, EMPTY, sealed) ?? utf8('refused'))).toBe(encodeHex(text))
          } else {
            sealed[0] = (sealed[0] as number) ^ 1
            expect(node.open(nonce, EMPTY, sealed)).toBeUndefined()
          }
        }
      }),
    )
  })

  it('seal big records to the same bytes, also when many are alive at once', () => {
    const key = new Uint8Array(32).fill(7)
    const sealed = ENGINES.map((engine) => {
      const aead = engine.createAead(key)
      return Array.from({ length: 20 }, (_, index) =>
        aead.seal(new Uint8Array(12).fill(index), EMPTY, new Uint8Array(4_000 + index * 2_000).fill(index)),
      )
    })
    expect(sealed[0]?.map(encodeHex)).toEqual(sealed[1]?.map(encodeHex))
  })

  it('give the same verdict on every key and signature that somebody bends', () => {
    const torsion = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
    const odd = [
      torsion,
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '00'.repeat(32),
    ].map(decodeHex)
    const part = fc.oneof(bytes(32), fc.constantFrom(...odd))
    fuzz(
      fc.property(part, part, bytes(32), fc.integer({ min: 0, max: 511 }), (a, r, s, bit) => {
        const signing = nodeEngine.createSigningKey(s)
        const message = r
        const good = signing.sign(message)
        const bent = good.slice()
        bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7))
        const inputs = [
          { publicKey: signing.public, message, signature: good },
          { publicKey: signing.public, message, signature: bent },
          { publicKey: a, message, signature: concatBytes(r, s) },
          { publicKey: a, message, signature: good },
          { publicKey: signing.public, message, signature: concatBytes(r, good.subarray(32)) },
        ]
        const verdicts = ENGINES.map((engine) => inputs.map((input) => verifyStrict(input, engine)))
        expect(verdicts[0]).toEqual(verdicts[1])
        expect(verdicts[0]).toEqual([true, false, false, false, false])
      }),
      60,
    )
  })
})
