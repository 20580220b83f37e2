import { encodeHex } from '@resilient-swarm/contract'
import { engine } from '#default-engine'
import { FIELD_PRIME, GROUP_ORDER, littleEndian, Point, toMontgomery, Y_MASK } from './curve25519.ts'
import { type Domain, signedBytes } from './domains.ts'
import { type Engine, KEY_BYTES, SIGNATURE_BYTES, type VerifyInput } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import { REMEMBERED_KEYS_MAX } from './limits.ts'

/** 32 bytes that are an Ed25519 point in its one canonical encoding and not of small order; `parsePublicKey` and `proveKey` make them. */
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
  remembered(bytes)
  return Uint8Array.from(bytes) as PublicKey
}

/** The X25519 form of an Ed25519 key. */
export function toDhPublic(key: PublicKey): Uint8Array {
  const known = remembered(key)
  known.dhForm ??= toMontgomery(key)
  return known.dhForm.slice()
}

interface RememberedKey {
  /** Made when somebody wishes to seal something to it: most keys only sign. */
  dhForm?: Uint8Array
}

// One call checks and converts its peer's key a dozen times over, a tenth of a millisecond each. Only keys that passed
// are in here, nothing secret is, and what goes out is a copy.
const rememberedKeys = new Map<string, RememberedKey>()

function remembered(bytes: Uint8Array): RememberedKey {
  const name = encodeHex(bytes)
  const known = rememberedKeys.get(name)
  if (known) return known
  if (!isStrictEncoding(bytes) || !isPoint(bytes)) {
    throw identityError('ERR_KEY_INVALID', 'These bytes are not an Ed25519 public key; ask its owner for the key again.')
  }
  const key = {}
  rememberedKeys.set(name, key)
  const [oldest] = rememberedKeys.size > REMEMBERED_KEYS_MAX ? rememberedKeys.keys() : []
  if (oldest !== undefined) rememberedKeys.delete(oldest)
  return key
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
 * The author, if this is a key and signed this: undefined otherwise. A signature that holds proves the key as well, for an engine
 * has to find its point to check it; so what comes from thousands of strangers costs one search for it instead of two.
 */
export function proveKey(claimed: Uint8Array, signed: Omit<SignatureToVerify, 'publicKey'>): PublicKey | undefined {
  const publicKey = Uint8Array.from(claimed) as PublicKey
  return verify({ publicKey, ...signed }) ? publicKey : undefined
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
  const y = littleEndian(bytes) & Y_MASK
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
