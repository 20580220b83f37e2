/** The first eight bytes of a key, in hex: what feeds and links call a peer by. */
export type ShortName = string & { readonly __shortName: never }

/** To make a key with the name of another takes 2⁶⁴ tries, and gains little: whoever is dialled proves the whole key. */
export const SHORT_NAME_BYTES = 8

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The name of a key; also of its first bytes alone. */
export function shortNameOf(key: Uint8Array): ShortName {
  let name = ''
  for (let index = 0; index < SHORT_NAME_BYTES; index++) name += HEX[key[index] as number]
  return name as ShortName
}

export function bytesOfName(name: ShortName): Uint8Array {
  return Uint8Array.from({ length: SHORT_NAME_BYTES }, (_, index) => Number.parseInt(name.slice(2 * index, 2 * index + 2), 16))
}
