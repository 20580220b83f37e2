import { describe, expect, it } from '@jest/globals'
import {
  compareBytes,
  concatBytes,
  decodeBase64Url,
  decodeHex,
  decodeUtf8,
  encodeBase64Url,
  encodeHex,
  encodeVarint,
  equalBytes,
  lengthPrefixed,
  readVarint,
  utf8,
  varintLength,
} from '@resilient-swarm/contract'
import fc from 'fast-check'

const RUNS = 1_000
const bytes = fc.uint8Array({ maxLength: 64 })

describe('varints', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16_384, '808001'],
    [2 ** 32, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ])('%d is %s', (value, hex) => {
    expect(encodeHex(encodeVarint(value))).toBe(hex)
    expect(varintLength(value)).toBe(hex.length / 2)
    expect(readVarint(decodeHex(hex), 0)).toEqual({ value, end: hex.length / 2 })
  })

  it.each(['8000', 'ffffffffffffff1f', '808080808080808001'])('%s has another spelling or is too large', (hex) => {
    expect(readVarint(decodeHex(hex), 0)).toBe('invalid')
  })

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('%d cannot be written', (value) => {
    expect(() => encodeVarint(value)).toThrow(RangeError)
  })

  it('come back from any offset, and nothing is read from half of one', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), bytes, (value, before) => {
        const encoded = encodeVarint(value)
        expect(readVarint(concatBytes(before, encoded), before.byteLength)).toEqual({
          value,
          end: before.byteLength + encoded.byteLength,
        })
        expect(readVarint(encoded.subarray(0, -1), 0)).toBeUndefined()
      }),
      { numRuns: RUNS },
    )
  })
})

describe('texts of bytes', () => {
  it('hex and base64url come back, and base64url is what Buffer writes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(decodeHex(encodeHex(value))).toEqual(value)
        expect(encodeBase64Url(value)).toBe(Buffer.from(value).toString('base64url'))
        expect(decodeBase64Url(encodeBase64Url(value))).toEqual(value)
      }),
      { numRuns: RUNS },
    )
  })

  it('base64url has one spelling a value', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const decoded = decodeBase64Url(text)
        if (decoded) expect(encodeBase64Url(decoded)).toBe(text)
      }),
      { numRuns: RUNS },
    )
    for (const text of ['A', 'AB', 'AA==', 'A A', 'A+', 'AAA/']) expect(decodeBase64Url(text)).toBeUndefined()
  })

  it('hex refuses capitals and halves', () => {
    expect(() => decodeHex('AB')).toThrow(RangeError)
    expect(() => decodeHex('abc')).toThrow(RangeError)
  })

  it('UTF-8 is strict and keeps a byte order mark', () => {
    expect(decodeUtf8(Uint8Array.of(0xc0, 0x80))).toBeUndefined()
    expect(decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined()
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA')
    expect(decodeUtf8(utf8('grün'))).toBe('grün')
  })
})

describe('comparing', () => {
  it('orders as Buffer does', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        expect(compareBytes(one, other)).toBe(Buffer.compare(one, other))
        expect(equalBytes(one, other)).toBe(Buffer.from(one).equals(other))
      }),
      { numRuns: RUNS },
    )
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  })

  it('prefixes with the length', () => {
    expect(encodeHex(lengthPrefixed(Uint8Array.of(9, 8)))).toBe('020908')
  })
})
