import { pow } from '@noble/curves/abstract/modular.js'
import { montgomery } from '@noble/curves/abstract/montgomery.js'
import { numberToBytesLE } from '@noble/curves/utils.js'
import { getPublicKey, hashes, Point, sign } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'

// The curve in its two forms, each from the smallest library that has it: the Ed25519 of @noble/curves brings fields of any
// prime and their square roots along, 5 KiB of what a page loads to join.
hashes.sha512 = sha512 // @noble/ed25519 leaves the choice of a hash to whoever uses it

export { Point }
export const ed25519 = { getPublicKey, sign }

const { p: FIELD_PRIME, n: GROUP_ORDER } = Point.CURVE()

export { FIELD_PRIME, GROUP_ORDER }

const FIELD_BYTES = 32
/** The top bit of a point's encoding is the sign of x. */
export const Y_MASK = (1n << 255n) - 1n

/** The inverse, and 0 for 0, as RFC 7748 §5 has it. */
const powPminus2 = (value: bigint) => pow(value, FIELD_PRIME - 2n, FIELD_PRIME)

/** Four times as fast as the ladder. A clamped scalar is never a multiple of the group's order: 8 × the order is over 2²⁵⁵. */
function scalarMultBase(scalar: bigint): bigint {
  const { Y, Z } = Point.BASE.multiply(scalar % GROUP_ORDER)
  return toU(Y, Z)
}

/** u = (1 + y) / (1 − y) with y = Y / Z, RFC 7748 §4.1. */
function toU(Y: bigint, Z: bigint): bigint {
  return ((Z + Y) * powPminus2(Z - Y + FIELD_PRIME)) % FIELD_PRIME
}

export const x25519 = montgomery({ P: FIELD_PRIME, type: 'x25519', adjustScalarBytes: clamp, powPminus2, scalarMultBase })

/** The X25519 secret of an Ed25519 seed: the scalar that RFC 8032 §5.1.5 signs with. */
export function toMontgomerySecret(seed: Uint8Array): Uint8Array {
  return clamp(sha512(seed)).slice(0, FIELD_BYTES)
}

/** The X25519 form of an Ed25519 key. It follows from y alone, so whether there is an x to it is for the caller to know. */
export function toMontgomery(publicKey: Uint8Array): Uint8Array {
  return numberToBytesLE(toU(littleEndian(publicKey) & Y_MASK, 1n), FIELD_BYTES)
}

/** Of a multiple of 8 bytes. */
export function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let value = 0n
  for (let offset = bytes.byteLength - 8; offset >= 0; offset -= 8) value = (value << 64n) | view.getBigUint64(offset, true)
  return value
}

/** In place, RFC 7748 §5. */
function clamp(scalar: Uint8Array): Uint8Array {
  scalar[0] = (scalar[0] ?? 0) & 0b1111_1000
  scalar[31] = ((scalar[31] ?? 0) & 0b0111_1111) | 0b0100_0000
  return scalar
}
