// RFC 4648 §5 without padding. Written out because browsers' btoa takes strings of bytes only and Buffer is Node's.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]))
const valueAt = (text: string, index: number): number => VALUES.get(text.charCodeAt(index)) ?? -1

export function encodeBase64Url(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.byteLength; index += 3) {
    const left = bytes.byteLength - index
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += ALPHABET.charAt(group >> 18) + ALPHABET.charAt((group >> 12) & 63)
    if (left > 1) text += ALPHABET.charAt((group >> 6) & 63)
    if (left > 2) text += ALPHABET.charAt(group & 63)
  }
  return text
}

/** How many bytes a base64url text of so many characters holds. */
export function base64UrlBytes(characters: number): number {
  return Math.floor((characters * 3) / 4)
}

/** One text for one value: right letters, a possible length, and no bits set behind the last byte. */
export function isBase64Url(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]*$/.test(value)) return false
  const rest = value.length % 4
  if (rest === 0) return true
  const last = valueAt(value, value.length - 1)
  return rest === 2 ? (last & 0b1111) === 0 : rest === 3 && (last & 0b11) === 0
}

/** The bytes of a text that `isBase64Url` accepts; a RangeError for any other. */
export function decodeBase64Url(text: string): Uint8Array {
  if (!isBase64Url(text)) throw new RangeError('not a base64url text')
  const bytes = new Uint8Array(base64UrlBytes(text.length))
  let bits = 0
  let bitCount = 0
  let position = 0
  for (let index = 0; index < text.length; index++) {
    bits = ((bits << 6) | valueAt(text, index)) & 0xffff
    bitCount += 6
    if (bitCount < 8) continue
    bitCount -= 8
    bytes[position++] = (bits >> bitCount) & 0xff
  }
  return bytes
}
