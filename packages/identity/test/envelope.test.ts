import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeHex, SwarmError, utf8 } from '@resilient-swarm/contract'
import {
  createKeyPair,
  DOMAINS,
  ENVELOPE_OVERHEAD_BYTES,
  ENVELOPE_PAYLOAD_BYTES_MAX,
  openEnvelope,
  sealEnvelope,
} from '@resilient-swarm/identity'
import fc from 'fast-check'
import { fuzz } from './fuzz.ts'

const ALICE = createKeyPair({ seed: new Uint8Array(32).fill(0xa1) })
const MALLORY = createKeyPair({ seed: new Uint8Array(32).fill(0x66) })
const domain = DOMAINS.record
const sealed = sealEnvelope({ keyPair: ALICE, domain, payload: utf8('seq 7') })
const withCode = (code: string) => expect.objectContaining({ code })

describe('an envelope', () => {
  it('opens to its author and payload', () => {
    const { peerId, publicKey, payload } = openEnvelope({ domain, bytes: sealed })
    expect(peerId).toBe(ALICE.peerId)
    expect(encodeHex(publicKey)).toBe(encodeHex(ALICE.publicKey))
    expect(encodeHex(payload)).toBe(encodeHex(utf8('seq 7')))
    expect(sealed).toHaveLength(ENVELOPE_OVERHEAD_BYTES + 5)
  })

  it('hands out a payload of its own', () => {
    const bytes = sealed.slice()
    const { payload } = openEnvelope({ domain, bytes })
    bytes.fill(0)
    expect(encodeHex(payload)).toBe(encodeHex(utf8('seq 7')))
  })

  it('does not open for another purpose', () => {
    expect(() => openEnvelope({ domain: DOMAINS.register, bytes: sealed })).toThrow(withCode('ERR_ENVELOPE_SIGNATURE'))
  })

  it('does not open under the name of mallory', () => {
    const bytes = concatBytes(MALLORY.publicKey, sealed.subarray(32))
    expect(() => openEnvelope({ domain, bytes })).toThrow(withCode('ERR_ENVELOPE_SIGNATURE'))
  })

  it('does not open with any one bit turned', () => {
    for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
      const bytes = sealed.slice()
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => openEnvelope({ domain, bytes })).toThrow(SwarmError)
    }
  })

  it('does not open when it is cut anywhere', () => {
    for (let size = 0; size < sealed.byteLength; size++) {
      const code = size < ENVELOPE_OVERHEAD_BYTES ? 'ERR_ENVELOPE_SIZE' : 'ERR_ENVELOPE_SIGNATURE'
      expect(() => openEnvelope({ domain, bytes: sealed.subarray(0, size) })).toThrow(withCode(code))
    }
  })

  it('does not open with an author that is no key', () => {
    const bytes = sealed.slice().fill(0, 0, 32)
    expect(() => openEnvelope({ domain, bytes })).toThrow(withCode('ERR_ENVELOPE_KEY'))
  })

  it('takes a payload of the limit and not one byte more, on both sides', () => {
    const payload = new Uint8Array(ENVELOPE_PAYLOAD_BYTES_MAX)
    const bytes = sealEnvelope({ keyPair: ALICE, domain, payload })
    expect(openEnvelope({ domain, bytes }).payload).toHaveLength(ENVELOPE_PAYLOAD_BYTES_MAX)
    expect(() => sealEnvelope({ keyPair: ALICE, domain, payload: new Uint8Array(ENVELOPE_PAYLOAD_BYTES_MAX + 1) })).toThrow(
      RangeError,
    )
    expect(() => openEnvelope({ domain, bytes: concatBytes(bytes, Uint8Array.of(0)) })).toThrow(withCode('ERR_ENVELOPE_SIZE'))
  })

  it('is refused with a typed error, whatever the bytes are', () => {
    const bent = fc
      .tuple(fc.integer({ min: 0, max: sealed.byteLength - 1 }), fc.integer({ min: 1, max: 255 }))
      .map(([index, change]) => {
        const bytes = sealed.slice()
        bytes[index] = (bytes[index] as number) ^ change
        return bytes
      })
    fuzz(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), bent), (bytes) => {
        expect(() => openEnvelope({ domain, bytes })).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^ERR_ENVELOPE_/) }),
        )
      }),
    )
  })
})
