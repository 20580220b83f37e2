import { concatBytes, equalBytes, type PeerId, utf8 } from '@resilient-swarm/contract'
import { engine } from '#default-engine'
import { KEY_BYTES } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import { type PublicKey, parsePublicKey } from './public-key.ts'

const PREFIX = 'rs1'
const CHECK_BYTES = 4
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567' // RFC 4648 §6, in lower case
const NO_DIGIT = 255
/** By the code of a letter. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT)
for (const [value, letter] of [...ALPHABET].entries()) DIGITS[letter.charCodeAt(0)] = value
const BODY_BYTES = KEY_BYTES + CHECK_BYTES

/** `rs1` and 58 letters of base32. */
export const PEER_ID_LENGTH = PREFIX.length + Math.ceil((BODY_BYTES * 8) / 5)

/** `rs1` ‖ base32(key ‖ first 4 bytes of SHA-256(`rs1` ‖ key)): the text that people copy. */
export function encodePeerId(key: PublicKey): PeerId {
  return `${PREFIX}${encodeBase32(concatBytes(key, checkOf(key)))}` as PeerId
}

/** The one accepted spelling, or a SwarmError `ERR_KEY_TEXT` that says what is wrong with the text. */
export function parsePeerId(text: unknown): PeerId {
  if (typeof text !== 'string' || text.length !== PEER_ID_LENGTH || !text.startsWith(PREFIX)) {
    throw identityError(
      'ERR_KEY_TEXT',
      `A peer's key is ${PREFIX} and ${PEER_ID_LENGTH - PREFIX.length} letters; copy it again, whole.`,
    )
  }
  const body = decodeBase32(text.slice(PREFIX.length))
  if (!body) throw identityError('ERR_KEY_TEXT', `A peer's key has only the letters ${ALPHABET}; copy it again.`)
  const key = body.subarray(0, KEY_BYTES)
  if (!equalBytes(body.subarray(KEY_BYTES), checkOf(key))) {
    throw identityError('ERR_KEY_TEXT', 'There is a typing error in this key; copy it again.')
  }
  try {
    parsePublicKey(key)
  } catch (cause) {
    throw identityError('ERR_KEY_TEXT', 'This text is well spelled, but no key that anybody can own.', cause)
  }
  return text as PeerId
}

/** Whether this is a key text in its one spelling, of a key that is one. */
export function isPeerId(candidate: unknown): candidate is PeerId {
  try {
    parsePeerId(candidate)
    return true
  } catch {
    return false
  }
}

/** The bytes behind a checked text. */
export function publicKeyOf(id: PeerId): PublicKey {
  const body = decodeBase32(id.slice(PREFIX.length))
  if (!body || body.byteLength !== BODY_BYTES) throw new TypeError('id must come from parsePeerId or a key pair')
  return body.slice(0, KEY_BYTES) as PublicKey
}

function checkOf(key: Uint8Array): Uint8Array {
  return engine.sha256(concatBytes(utf8(PREFIX), key)).subarray(0, CHECK_BYTES)
}

function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(buffer >>> (bits - 5)) & 31]
  }
  return bits > 0 ? text + ALPHABET[(buffer << (5 - bits)) & 31] : text
}

/** Undefined for a strange letter, or for spare bits that are not zero: one key has one spelling. */
function decodeBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let buffer = 0
  let bits = 0
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const digit = DIGITS[text.charCodeAt(at)] ?? NO_DIGIT
    if (digit === NO_DIGIT) return undefined
    buffer = ((buffer << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = buffer >>> bits
    }
  }
  return (buffer & ((1 << bits) - 1)) === 0 ? bytes : undefined
}
