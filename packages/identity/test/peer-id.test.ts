import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeHex, encodeHex, SwarmError, utf8 } from '@resilient-swarm/contract'
import { createKeyPair, encodePeerId, isPeerId, PEER_ID_LENGTH, parsePeerId, publicKeyOf } from '@resilient-swarm/identity'
import { defaultEngine } from '@resilient-swarm/identity/engine'
import fc from 'fast-check'
import { fuzz } from './fuzz.ts'

const ALICE = createKeyPair({ seed: decodeHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60') })
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const textError = expect.objectContaining({ code: 'ERR_KEY_TEXT' })

/** The slow twin: one big number, written out in base 32. */
function slowText(key: Uint8Array): string {
  const check = defaultEngine.sha256(concatBytes(utf8('rs1'), key)).subarray(0, 4)
  let rest = BigInt(`0x${encodeHex(concatBytes(key, check))}`) << 2n
  let text = ''
  for (let index = 0; index < 58; index++, rest >>= 5n) text = `${ALPHABET[Number(rest & 31n)]}${text}`
  return `rs1${text}`
}

describe('key text', () => {
  it('has 61 characters, for this key always the same', () => {
    expect(PEER_ID_LENGTH).toBe(61)
    expect(ALICE.peerId).toBe('rs125njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkenoyzv3mu')
  })

  it('goes to bytes and back for any key, as the slow twin writes it', () => {
    for (let index = 0; index < 200; index++) {
      const { publicKey, peerId } = createKeyPair({ seed: new Uint8Array(32).fill(index) })
      expect(peerId).toBe(slowText(publicKey))
      expect(parsePeerId(String(peerId))).toBe(peerId)
      expect(encodeHex(publicKeyOf(peerId))).toBe(encodeHex(publicKey))
    }
  })

  it('tells every typing error of one letter, and every swap of neighbours', () => {
    const text = String(ALICE.peerId)
    for (let index = 0; index < text.length; index++) {
      for (const letter of ALPHABET) {
        if (letter !== text[index])
          expect(() => parsePeerId(text.slice(0, index) + letter + text.slice(index + 1))).toThrow(textError)
      }
      const swapped = `${text.slice(0, index)}${text[index + 1] ?? ''}${text[index]}${text.slice(index + 2)}`
      if (swapped !== text) expect(isPeerId(swapped)).toBe(false)
    }
  })

  it('has one spelling: no capitals, no space, no padding, no spare bits', () => {
    const text = String(ALICE.peerId)
    const last = ALPHABET.indexOf(text.at(-1) as string)
    const variants = [
      text.toUpperCase(),
      ` ${text}`,
      `${text}=`,
      `${text}\n`,
      text.slice(0, -1),
      `${text.slice(0, -1)}${ALPHABET[last | 1]}`,
    ]
    for (const variant of variants) if (variant !== text) expect(() => parsePeerId(variant)).toThrow(textError)
    expect(last & 3).toBe(0)
  })

  it('is refused when it is well spelled but no key', () => {
    const zero = new Uint8Array(32) as ReturnType<typeof publicKeyOf>
    expect(() => parsePeerId(encodePeerId(zero))).toThrow(textError)
  })

  it('is refused when it is no text at all', () => {
    for (const value of [undefined, null, 61, {}, [], ALICE.publicKey, { toString: () => ALICE.peerId }]) {
      expect(() => parsePeerId(value)).toThrow(textError)
      expect(isPeerId(value)).toBe(false)
    }
  })

  it('is a key or a typed error, whatever the text is', () => {
    const letters = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 58, maxLength: 58 }).map((body) => `rs1${body}`)
    fuzz(
      fc.property(
        fc.oneof(fc.string({ maxLength: 70 }), letters, fc.string({ minLength: 61, maxLength: 61, unit: 'binary' })),
        (text) => {
          try {
            expect(encodePeerId(publicKeyOf(parsePeerId(text)))).toBe(text)
          } catch (error) {
            expect(error).toBeInstanceOf(SwarmError)
            expect(error).toEqual(textError)
          }
        },
      ),
    )
  })

  it('is not read from a text that was never checked', () => {
    expect(() => publicKeyOf('rs1' as never)).toThrow(TypeError)
  })
})
