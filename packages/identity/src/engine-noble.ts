import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes } from '@resilient-swarm/contract'
import { ed25519, GROUP_ORDER, littleEndian, Point, x25519 } from './curve25519.ts'
import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type Aead,
  type DhKey,
  type Engine,
  isAllZero,
  KEY_BYTES,
  type LongAead,
  requireBytes,
  requireHkdfLength,
  SIGNATURE_BYTES,
  type SigningKey,
  type VerifyInput,
} from './engine-seam.ts'
import { identityError } from './identity-error.ts'

/** Runs everywhere: pure JavaScript, what browsers get. */
export const engine: Engine = {
  name: 'noble',
  sha256,
  hkdfSha256({ ikm, salt, info, lengthBytes }) {
    requireHkdfLength(lengthBytes)
    return hkdf(sha256, ikm, salt, info, lengthBytes)
  },
  createAead,
  createLongAead,
  createDhKey,
  createSigningKey,
  verifyEd25519,
}

function createAead(key: Uint8Array): Aead {
  requireBytes('key', key, AEAD_KEY_BYTES)
  const own = key.slice()
  return {
    seal(nonce, ad, plaintext) {
      requireBytes('nonce', nonce, AEAD_NONCE_BYTES)
      return chacha20poly1305(own, nonce, ad).encrypt(plaintext)
    },
    open(nonce, ad, sealed) {
      requireBytes('nonce', nonce, AEAD_NONCE_BYTES)
      if (sealed.byteLength < AEAD_TAG_BYTES) return undefined
      try {
        return chacha20poly1305(own, nonce, ad).decrypt(sealed)
      } catch {
        return undefined
      }
    },
  }
}

/** Loaded with the first long message: joining a swarm sends none. */
async function createLongAead(key: Uint8Array): Promise<LongAead | undefined> {
  const web = await import('./long-aead-web.ts').catch(() => undefined) // where it cannot be had, noble goes on alone
  return web?.createWebLongAead(key, createAead(key))
}

function createDhKey(secret: Uint8Array): DhKey {
  requireBytes('secret', secret, KEY_BYTES)
  const own = secret.slice()
  return {
    public: x25519.getPublicKey(own),
    shared(remotePublic) {
      requireBytes('remotePublic', remotePublic, KEY_BYTES)
      const shared = sharedOrZero(own, remotePublic)
      if (isAllZero(shared))
        throw identityError('ERR_DH_ZERO', 'The other side sent a key that makes every secret zero; refuse it.')
      return shared
    },
  }
}

function sharedOrZero(secret: Uint8Array, remotePublic: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(secret, remotePublic)
  } catch {
    return new Uint8Array(KEY_BYTES) // sizes are checked, so all that is left to refuse is a low order
  }
}

function createSigningKey(seed: Uint8Array): SigningKey {
  requireBytes('seed', seed, KEY_BYTES)
  const own = seed.slice()
  return { public: ed25519.getPublicKey(own), sign: (message) => ed25519.sign(message, own) }
}

/** RFC 8032 §5.1.7 in its form without the cofactor: encode S·B − k·A and compare with R. */
function verifyEd25519({ publicKey, message, signature }: VerifyInput): boolean {
  if (publicKey.byteLength !== KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
  const r = signature.subarray(0, KEY_BYTES)
  try {
    const s = littleEndian(signature.subarray(KEY_BYTES))
    const negative = Point.fromBytes(publicKey, false).negate()
    const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % GROUP_ORDER
    return equalBytes(Point.BASE.multiplyUnsafe(s).add(negative.multiplyUnsafe(k)).toBytes(), r)
  } catch {
    return false // not a point, or S ≥ L
  }
}
