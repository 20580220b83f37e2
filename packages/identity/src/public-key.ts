import { encodeHex } from '@resilient-swarm/contract'
import { engine } from '#default-engine'
import { FIELD_PRIME, GROUP_ORDER, littleEndian, Point, toMontgomery } from './curve25519.ts'
import { type Domain, signedBytes } from './domains.ts'
import { type Engine, KEY_BYTES, SIGNATURE_BYTES, type VerifyInput } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import { REMEMBERED_KEYS_MAX } from './limits.ts'

/** 32 bytes that are an Ed25519 point in its one canonical encoding and not of small order; only `parsePublicKey` makes one. */
export type PublicKey = Uint8Array & { readonly __brand: 'PublicKey' }

const ONE = 1n

/** The y coordinates of the eight points of small order: 0 (twice), 1, −1, and two that come from the points of order 8. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  FIELD_PRIME - ONE,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  FIELD_PRIME - 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
])

/** Copies. A SwarmError `ERR_KEY_INVALID` for anything that is not a key we would ever verify with. */
export function parsePublicKey(bytes: Uint8Array): PublicKey {
  if (!(bytes instanceof Uint8Array) || bytes.byteLength !== KEY_BYTES) {
    throw identityError('ERR_KEY_INVALID', `A public key has ${KEY_BYTES} bytes; ask its owner for the key again.`)
  }
  const name = encodeHex(bytes)
  if (!dhFormOf.has(name)) {
    if (!isStrictEncoding(bytes) || !isPoint(bytes)) {
      throw identityError('ERR_KEY_INVALID', 'These bytes are not an Ed25519 public key; ask its owner for the key again.')
    }
    remember(name, toMontgomery(bytes))
  }
  return Uint8Array.from(bytes) as PublicKey
}

/** The X25519 form of an Ed25519 key. */
export function toDhPublic(key: PublicKey): Uint8Array {
  return dhFormOf.get(encodeHex(key))?.slice() ?? toMontgomery(key)
}

// One call checks and converts its peer's key a dozen times over, a quarter of a millisecond each. Only keys that passed
// are in here, nothing secret is, and what goes out is a copy.
const dhFormOf = new Map<string, Uint8Array>()

function remember(name: string, dhForm: Uint8Array): void {
  dhFormOf.set(name, dhForm)
  const [oldest] = dhFormOf.size > REMEMBERED_KEYS_MAX ? dhFormOf.keys() : []
  if (oldest !== undefined) dhFormOf.delete(oldest)
}

/** What a verifier is asked: did the owner of this key sign this payload for this purpose? */
export interface SignatureToVerify {
  readonly publicKey: PublicKey
  readonly domain: Domain
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/** Strict (see `verifyStrict`); false is the only answer to bad input from outside. */
export function verify({ publicKey, domain, payload, signature }: SignatureToVerify): boolean {
  return verifyStrict({ publicKey, message: signedBytes(domain, payload), signature })
}

/**
 * Refuses A and R that are not canonical or of small order, and S ≥ L, before any engine is asked: a signature has one
 * spelling, and both engines say the same of every input (what ZIP-215 would allow is refused).
 */
export function verifyStrict({ publicKey, message, signature }: VerifyInput, by: Engine = engine): boolean {
  if (publicKey.byteLength !== KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
  if (!isStrictEncoding(publicKey) || !isStrictEncoding(signature.subarray(0, KEY_BYTES))) return false
  if (littleEndian(signature.subarray(KEY_BYTES)) >= GROUP_ORDER) return false
  return by.verifyEd25519({ publicKey, message, signature })
}

function isStrictEncoding(bytes: Uint8Array): boolean {
  const y = littleEndian(bytes) & ((ONE << 255n) - ONE) // the top bit is the sign of x
  return y < FIELD_PRIME && !SMALL_ORDER_Y.has(y)
}

function isPoint(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes, false)
    return true
  } catch {
    return false
  }
}
