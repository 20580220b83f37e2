import { describe, expect, it } from '@jest/globals'
import { decodeHex, encodeHex, equalBytes, utf8 } from '@resilient-swarm/contract'
import { createKeyPair, DOMAINS, type Domain, toDhPublic, verify } from '@resilient-swarm/identity'

const SEED = decodeHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60') // RFC 8032 §7.1, test 1

describe('a key pair', () => {
  it('is the one that RFC 8032 derives from the seed', () => {
    const alice = createKeyPair({ seed: SEED })
    expect(encodeHex(alice.publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
    expect(createKeyPair({ seed: SEED }).peerId).toBe(alice.peerId)
  })

  it('has one X25519 form, whether it is made from the seed or from the public key', () => {
    for (let index = 0; index < 20; index++) {
      const { dhPublic, publicKey } = createKeyPair({ seed: new Uint8Array(32).fill(index) })
      expect(encodeHex(dhPublic)).toBe(encodeHex(toDhPublic(publicKey)))
    }
  })

  it('keeps a seed of its own, so that clearing the given one changes nothing', () => {
    const given = SEED.slice()
    const alice = createKeyPair({ seed: given })
    given.fill(0)
    expect(equalBytes(alice.seed, SEED)).toBe(true)
  })

  it('is a new one each time when no seed is given', () => {
    expect(createKeyPair().peerId).not.toBe(createKeyPair().peerId)
  })

  it('refuses seeds of 31 and 33 bytes and of other types with a RangeError', () => {
    for (const seed of [new Uint8Array(31), new Uint8Array(33), 'x'.repeat(32) as unknown as Uint8Array]) {
      expect(() => createKeyPair({ seed })).toThrow(RangeError)
    }
  })
})

describe('a signature', () => {
  const alice = createKeyPair({ seed: SEED })
  const payload = utf8('a record')
  const signature = alice.sign(DOMAINS.record, payload)

  it('verifies for its key, domain and payload, and for nothing else', () => {
    const good = { publicKey: alice.publicKey, domain: DOMAINS.record, payload, signature } as const
    expect(verify(good)).toBe(true)
    expect(verify({ ...good, domain: DOMAINS.register })).toBe(false)
    expect(verify({ ...good, payload: utf8('a record.') })).toBe(false)
    expect(verify({ ...good, publicKey: createKeyPair().publicKey })).toBe(false)
    expect(verify({ ...good, signature: signature.subarray(0, 63) })).toBe(false)
    for (let index = 0; index < 64; index++) {
      const changed = signature.slice()
      changed[index] = (changed[index] as number) ^ 1
      expect(verify({ ...good, signature: changed })).toBe(false)
    }
  })

  it('is never made or checked for a domain outside the list', () => {
    const domain = 'rs/1/unknown' as Domain
    expect(() => alice.sign(domain, payload)).toThrow(TypeError)
    expect(() => verify({ publicKey: alice.publicKey, domain, payload, signature })).toThrow(TypeError)
  })
})
