import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeHex, utf8 } from '@resilient-swarm/contract'
import { BOX_OVERHEAD_BYTES, BOX_PAYLOAD_BYTES_MAX, createKeyPair, openBox, sealBox, toDhPublic } from '@resilient-swarm/identity'
import { createNoise } from '@resilient-swarm/identity/noise'
import fc from 'fast-check'
import { fuzz } from './fuzz.ts'

const ALICE = createKeyPair({ seed: new Uint8Array(32).fill(0xa1) })
const BOB = createKeyPair({ seed: new Uint8Array(32).fill(0xb0) })
const MALLORY = createKeyPair({ seed: new Uint8Array(32).fill(0x66) })
const prologue = utf8('rs/1/signal to bob')
const payload = utf8('an offer')
const box = sealBox({ from: ALICE, to: BOB.publicKey, prologue, payload })
const withCode = (code: string) => expect.objectContaining({ code })

/** A box as mallory's own program makes it: any content under her static key. */
function forge(content: Uint8Array): Uint8Array {
  const remoteStatic = toDhPublic(BOB.publicKey)
  return createNoise({ pattern: 'X', role: 'initiator', prologue, staticKey: MALLORY.dh, remoteStatic }).writeMessage(content)
}

describe('a sealed box', () => {
  it('opens for whom it was sealed, and says who sealed it', () => {
    const opened = openBox({ keyPair: BOB, prologue, box })
    expect(opened.peerId).toBe(ALICE.peerId)
    expect(encodeHex(opened.from)).toBe(encodeHex(ALICE.publicKey))
    expect(encodeHex(opened.payload)).toBe(encodeHex(payload))
    expect(box).toHaveLength(BOX_OVERHEAD_BYTES + payload.byteLength)
  })

  it('is another one each time it is sealed', () => {
    expect(encodeHex(sealBox({ from: ALICE, to: BOB.publicKey, prologue, payload }))).not.toBe(encodeHex(box))
  })

  it('does not open for anybody else, its sender included', () => {
    for (const keyPair of [MALLORY, ALICE]) expect(() => openBox({ keyPair, prologue, box })).toThrow(withCode('ERR_BOX_SEAL'))
  })

  it('does not open for another purpose', () => {
    expect(() => openBox({ keyPair: BOB, prologue: utf8('rs/1/signal to bo'), box })).toThrow(withCode('ERR_BOX_SEAL'))
  })

  it('does not let mallory claim the key of alice', () => {
    const forged = forge(concatBytes(ALICE.publicKey, payload))
    expect(() => openBox({ keyPair: BOB, prologue, box: forged })).toThrow(withCode('ERR_BOX_KEY'))
  })

  it('does not let mallory claim something that is no key', () => {
    const forged = forge(concatBytes(new Uint8Array(32), payload))
    expect(() => openBox({ keyPair: BOB, prologue, box: forged })).toThrow(withCode('ERR_BOX_KEY'))
  })

  it('does not open when its ephemeral key makes every secret zero', () => {
    const forged = box.slice().fill(0, 0, 32)
    expect(() => openBox({ keyPair: BOB, prologue, box: forged })).toThrow(withCode('ERR_BOX_SEAL'))
  })

  it('does not open when it is cut anywhere, or when a byte of it is changed', () => {
    for (let size = 0; size < box.byteLength; size++) {
      const code = size < BOX_OVERHEAD_BYTES ? 'ERR_BOX_SIZE' : 'ERR_BOX_SEAL'
      expect(() => openBox({ keyPair: BOB, prologue, box: box.subarray(0, size) })).toThrow(withCode(code))
      const bent = box.slice()
      bent[size] = (bent[size] as number) ^ 0x40
      expect(() => openBox({ keyPair: BOB, prologue, box: bent })).toThrow(withCode('ERR_BOX_SEAL'))
    }
  })

  it('takes a payload of the limit and not one byte more, on both sides', () => {
    const longest = sealBox({ from: ALICE, to: BOB.publicKey, prologue, payload: new Uint8Array(BOX_PAYLOAD_BYTES_MAX) })
    expect(openBox({ keyPair: BOB, prologue, box: longest }).payload).toHaveLength(BOX_PAYLOAD_BYTES_MAX)
    const tooLong = new Uint8Array(BOX_PAYLOAD_BYTES_MAX + 1)
    expect(() => sealBox({ from: ALICE, to: BOB.publicKey, prologue, payload: tooLong })).toThrow(RangeError)
    expect(() => openBox({ keyPair: BOB, prologue, box: concatBytes(longest, Uint8Array.of(0)) })).toThrow(
      withCode('ERR_BOX_SIZE'),
    )
  })

  it('is refused with a typed error, whatever the bytes are', () => {
    const bent = fc
      .tuple(fc.integer({ min: 0, max: box.byteLength - 1 }), fc.integer({ min: 1, max: 127 }))
      .map(([index, change]) => {
        const bytes = box.slice()
        bytes[index] = (bytes[index] as number) ^ change
        return bytes
      })
    const content = fc.uint8Array({ maxLength: 200 }).map((bytes) => forge(concatBytes(bytes, new Uint8Array(0))))
    fuzz(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), bent, content), (bytes) => {
        expect(() => openBox({ keyPair: BOB, prologue, box: bytes })).toThrow(
          withCode(expect.stringMatching(/^ERR_BOX_/) as unknown as string),
        )
      }),
    )
  })
})
