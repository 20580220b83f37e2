/**
 * The primitives of the one cipher suite: ChaCha20-Poly1305 (RFC 8439), SHA-256, HKDF (RFC 5869), X25519 (RFC 7748) and
 * Ed25519 (RFC 8032). Two engines stand behind it and give the same bytes for the same input; nothing above knows which.
 */
export interface Engine {
  readonly name: 'noble' | 'node'
  sha256(bytes: Uint8Array): Uint8Array
  /** A RangeError for more than 255 × 32 bytes. */
  hkdfSha256(input: HkdfInput): Uint8Array
  /** One key of 32 bytes, used for many messages. */
  createAead(key: Uint8Array): Aead
  /** The same cipher beside this thread, for long messages; undefined where the platform has none. */
  createLongAead?(key: Uint8Array): Promise<LongAead | undefined>
  /** From 32 secret bytes; clamping happens inside (RFC 7748 §5). */
  createDhKey(secret: Uint8Array): DhKey
  /** From the 32-byte seed of RFC 8032 §5.1.5. */
  createSigningKey(seed: Uint8Array): SigningKey
  /**
   * Without the strict checks, which `verifyStrict` does before it asks. Compares R byte for byte, without the cofactor,
   * so that both engines always agree.
   */
  verifyEd25519(input: VerifyInput): boolean
}

export interface HkdfInput {
  readonly ikm: Uint8Array
  readonly salt: Uint8Array
  readonly info: Uint8Array
  readonly lengthBytes: number
}

export interface VerifyInput {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** The nonce has 12 bytes and is never used twice with one key; a sealed message is 16 bytes longer than its plaintext. */
export interface Aead {
  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** Undefined when it was not sealed with this key, nonce and associated data. */
  open(nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
  /** Pays beforehand what a message with this nonce costs besides its bytes, where that is anything. It may come or not. */
  prepare?(use: 'seal' | 'open', nonce: Uint8Array): void
}

/** As `Aead`, for several messages at once: each is read before the call returns, its answer comes later. Never rejects. */
export interface LongAead {
  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
  open(nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined>
}

export interface DhKey {
  readonly public: Uint8Array
  /** A SwarmError `ERR_DH_ZERO` when the result has no contribution of ours (RFC 7748 §6.1). */
  shared(remotePublic: Uint8Array): Uint8Array
}

export interface SigningKey {
  readonly public: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

export const AEAD_KEY_BYTES = 32
export const AEAD_NONCE_BYTES = 12
export const AEAD_TAG_BYTES = 16
export const HASH_BYTES = 32
export const KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
/** RFC 5869 §2.3: the counter is one byte. */
export const HKDF_BYTES_MAX = 255 * HASH_BYTES

/** For sizes that only our own code can get wrong. */
export function requireBytes(name: string, bytes: Uint8Array, count: number): void {
  if (!(bytes instanceof Uint8Array) || bytes.byteLength !== count) throw new RangeError(`${name} must have ${count} bytes`)
}

export function requireHkdfLength(lengthBytes: number): void {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > HKDF_BYTES_MAX) {
    throw new RangeError(`lengthBytes must be an integer from 1 to ${HKDF_BYTES_MAX}`)
  }
}

/** In a time that does not depend on the bytes. */
export function isAllZero(bytes: Uint8Array): boolean {
  let any = 0
  for (const byte of bytes) any |= byte
  return any === 0
}
