const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes of a text; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Strict: undefined for bytes that are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** All parts, in order, in a new buffer. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}

/** For public bytes only: its time depends on where they differ. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false
  for (let index = 0; index < one.byteLength; index++) if (one[index] !== other[index]) return false
  return true
}

/** −1, 0 or 1 by unsigned lexicographic order. */
export function compareBytes(one: Uint8Array, other: Uint8Array): -1 | 0 | 1 {
  const shared = Math.min(one.byteLength, other.byteLength)
  for (let index = 0; index < shared; index++) {
    const difference = (one[index] as number) - (other[index] as number)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return one.byteLength === other.byteLength ? 0 : one.byteLength < other.byteLength ? -1 : 1
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hex digits, two a byte. */
export function encodeHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** Lower-case pairs of digits only; a RangeError otherwise. */
export function decodeHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new RangeError('hex text must be pairs of 0-9a-f')
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => Number.parseInt(text.slice(index * 2, index * 2 + 2), 16))
}

/** The most bytes a varint of ours takes: 2⁵³ − 1 needs eight. */
export const VARINT_BYTES_MAX = 8

/** How many bytes `encodeVarint` takes for this number. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** Unsigned LEB128, as in multiformats' unsigned-varint. `value` is an integer in 0…2⁵³ − 1. */
export function encodeVarint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value))
  writeVarint(bytes, 0, value)
  return bytes
}

/** Writes at `offset` and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('a varint is an integer from 0 to 2^53 - 1')
  let position = offset
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[position++] = (rest % 0x80) | 0x80
  target[position++] = rest
  return position
}

/**
 * Reads a varint at `offset`. `undefined`: the bytes end inside it. `'invalid'`: longer than needed, over eight bytes
 * or over 2⁵³ − 1; one number has one spelling.
 */
export function readVarint(bytes: Uint8Array, offset: number): { value: number; end: number } | 'invalid' | undefined {
  let value = 0
  let scale = 1
  for (let count = 0; count < VARINT_BYTES_MAX; count++) {
    const byte = bytes[offset + count]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      if ((byte === 0 && count > 0) || value > Number.MAX_SAFE_INTEGER) return 'invalid'
      return { value, end: offset + count + 1 }
    }
    scale *= 0x80
  }
  return 'invalid'
}

/** `lp(bytes)`: a varint of the length, then the bytes. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return concatBytes(encodeVarint(bytes.byteLength), bytes)
}
