const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0))
const ascii = new TextDecoder()
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]))

/** base64url without padding (RFC 4648 §5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  const letters = new Uint8Array(Math.ceil((bytes.byteLength * 4) / 3))
  let at = 0
  for (let index = 0; index < bytes.byteLength; index += 3) {
    const three = ((bytes[index] as number) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    // What lies behind the end of `letters` is not written: one byte gives two, two give three.
    for (let shift = 18; shift >= 0; shift -= 6) letters[at++] = LETTERS[(three >> shift) & 63] as number
  }
  return ascii.decode(letters)
}

/** Undefined for anything but the one spelling that `encodeBase64Url` writes: no padding, no spare bits, no white space. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  const spare = text.length % 4
  if (spare === 1) return undefined
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let kept = 0
  let offset = 0
  for (let index = 0; index < text.length; index++) {
    const value = VALUES.get(text.charCodeAt(index))
    if (value === undefined) return undefined
    bits = ((bits << 6) | value) & 0xffff
    kept += 6
    if (kept >= 8) {
      kept -= 8
      bytes[offset++] = (bits >> kept) & 0xff
    }
  }
  return (bits & ((1 << kept) - 1)) === 0 ? bytes : undefined
}
