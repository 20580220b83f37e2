/** The first eight bytes of a key, in hex: what feeds and links call a peer by. */
export type ShortName = string & { readonly __shortName: never }

/** To make a key with the name of another takes 2⁶⁴ tries, and gains little: whoever is dialled proves the whole key. */
export const SHORT_NAME_BYTES = 8

const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const codes: number[] = []

/** The name of a key; also of its first bytes alone. Made in one piece: one put together digit by digit is slow to look up. */
export function shortNameOf(key: Uint8Array): ShortName {
  for (let index = 0; index < SHORT_NAME_BYTES; index++) {
    const byte = key[index] as number
    codes[2 * index] = DIGITS[byte >>> 4] as number
    codes[2 * index + 1] = DIGITS[byte & 15] as number
  }
  return String.fromCharCode.apply(undefined, codes) as ShortName
}

export function bytesOfName(name: ShortName): Uint8Array {
  const bytes = new Uint8Array(SHORT_NAME_BYTES)
  for (let index = 0; index < SHORT_NAME_BYTES; index++) {
    bytes[index] = (digitAt(name.charCodeAt(2 * index)) << 4) | digitAt(name.charCodeAt(2 * index + 1))
  }
  return bytes
}

/** Of a hex digit by its code. */
function digitAt(code: number): number {
  return code <= 57 ? code - 48 : code - 87
}
