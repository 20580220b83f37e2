import { concatBytes, utf8 } from '@resilient-swarm/contract'
import { AEAD_NONCE_BYTES, type Aead, type Engine, HASH_BYTES, type LongAead } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import { LONG_MESSAGE_BYTES_MIN } from './limits.ts'

const EMPTY = new Uint8Array(0)
const COUNTER_OFFSET = 4 // Noise §12.3: 32 zero bits, then the counter, little-endian
const REKEY_NONCE = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255) // 2⁶⁴ − 1, Noise §4.2
const WORD = 0x1_0000_0000

/** Noise §5.1: one key, one direction; the counter is the nonce and never travels. */
export class CipherState {
  readonly #engine: Engine
  readonly #nonceBytes = new Uint8Array(AEAD_NONCE_BYTES)
  readonly #nonceView = new DataView(this.#nonceBytes.buffer)
  #aead: Aead
  #nonce = 0
  /** Until the first long message wants it. */
  #key: Uint8Array | undefined
  #long: LongAead | undefined

  constructor(engine: Engine, key: Uint8Array) {
    this.#engine = engine
    this.#aead = engine.createAead(key)
    this.#key = engine.createLongAead && key.slice()
  }

  /** How many messages went through; the nonce of the next. */
  get nonce(): number {
    return this.#nonce
  }

  /** Makes the next message cheaper, whenever it comes and whatever it is; the nonce stays. */
  prepare(use: 'seal' | 'open'): void {
    this.#aead.prepare?.(use, this.#nextNonce())
  }

  encrypt(ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = this.#aead.seal(this.#nextNonce(), ad, plaintext)
    this.#nonce++
    return sealed
  }

  /** A SwarmError `ERR_NOISE` when it was not sealed as the next message of this direction; the nonce then stays. */
  decrypt(ad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.tryDecrypt(ad, ciphertext)
    if (!plaintext)
      throw identityError('ERR_NOISE', 'A message did not open: it was changed, replayed or sealed by somebody else.')
    return plaintext
  }

  /** `decrypt` for who has another question to ask after a no. */
  tryDecrypt(ad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#aead.open(this.#nextNonce(), ad, ciphertext)
    if (plaintext) this.#nonce++
    return plaintext
  }

  /** As `encrypt`; a promise for a long message where the platform seals beside this thread. The nonce goes on at once. */
  encryptSoon(ad: Uint8Array, plaintext: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const long = plaintext.byteLength >= LONG_MESSAGE_BYTES_MIN && this.#longAead()
    if (!long) return this.encrypt(ad, plaintext)
    const sealed = long.seal(this.#nextNonce(), ad, plaintext)
    this.#nonce++
    return sealed
  }

  /** As `tryDecrypt`; a promise for a long message, after which the nonce goes on whatever comes of it. */
  decryptSoon(ad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const long = ciphertext.byteLength >= LONG_MESSAGE_BYTES_MIN && this.#longAead()
    if (!long) return this.tryDecrypt(ad, ciphertext)
    const plaintext = long.open(this.#nextNonce(), ad, ciphertext)
    this.#nonce++
    return plaintext
  }

  /** Noise §11.3: a new key from the old one, which can then no more be found; the nonce goes on. */
  rekey(): void {
    const sealed = this.#aead.seal(REKEY_NONCE, EMPTY, new Uint8Array(HASH_BYTES))
    const key = sealed.subarray(0, HASH_BYTES)
    this.#aead = this.#engine.createAead(key)
    this.#key = this.#engine.createLongAead && key
    this.#long = undefined
  }

  /** Asked for when it is first wanted, which most ciphers of handshakes never do; there some turns later. */
  #longAead(): LongAead | undefined {
    const key = this.#key
    if (!key) return this.#long
    const aead = this.#aead
    this.#key = undefined
    void this.#engine.createLongAead?.(key).then((long) => {
      if (this.#aead === aead) this.#long = long
    })
    return undefined
  }

  #nextNonce(): Uint8Array {
    // At 2⁵³ doubles stop counting; Noise's own end is 2⁶⁴ − 1. Neither is within reach of a connection.
    if (this.#nonce >= Number.MAX_SAFE_INTEGER) throw identityError('ERR_NOISE', 'Too many messages for one key; connect again.')
    this.#nonceView.setUint32(COUNTER_OFFSET, this.#nonce % WORD, true)
    this.#nonceView.setUint32(COUNTER_OFFSET + 4, Math.floor(this.#nonce / WORD), true)
    return this.#nonceBytes
  }
}

/** Noise §5.2: the chaining key `ck` and the handshake hash `h`, with the cipher once there is a key. */
export class SymmetricState {
  readonly #engine: Engine
  #ck: Uint8Array
  #h: Uint8Array
  #cipher: CipherState | undefined

  constructor(engine: Engine, protocolName: string) {
    const name = utf8(protocolName)
    this.#engine = engine
    this.#h =
      name.byteLength <= HASH_BYTES ? concatBytes(name, new Uint8Array(HASH_BYTES - name.byteLength)) : engine.sha256(name)
    this.#ck = this.#h
  }

  get handshakeHash(): Uint8Array {
    return this.#h
  }

  get hasKey(): boolean {
    return this.#cipher !== undefined
  }

  mixHash(bytes: Uint8Array): void {
    this.#h = this.#engine.sha256(concatBytes(this.#h, bytes))
  }

  mixKey(ikm: Uint8Array): void {
    const output = this.#hkdf(ikm, 2)
    this.#ck = part(output, 0)
    this.#cipher = new CipherState(this.#engine, part(output, 1))
  }

  mixKeyAndHash(ikm: Uint8Array): void {
    const output = this.#hkdf(ikm, 3)
    this.#ck = part(output, 0)
    this.mixHash(part(output, 1))
    this.#cipher = new CipherState(this.#engine, part(output, 2))
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipher ? this.#cipher.encrypt(this.#h, plaintext) : plaintext
    this.mixHash(ciphertext)
    return ciphertext
  }

  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.#cipher ? this.#cipher.decrypt(this.#h, ciphertext) : ciphertext.slice()
    this.mixHash(ciphertext)
    return plaintext
  }

  /** The initiator's sending cipher first. */
  split(): readonly [CipherState, CipherState] {
    const output = this.#hkdf(EMPTY, 2)
    return [new CipherState(this.#engine, part(output, 0)), new CipherState(this.#engine, part(output, 1))]
  }

  /** Noise's HKDF is RFC 5869's with the chaining key as salt and no info (§4.3). */
  #hkdf(ikm: Uint8Array, outputs: 2 | 3): Uint8Array {
    return this.#engine.hkdfSha256({ ikm, salt: this.#ck, info: EMPTY, lengthBytes: outputs * HASH_BYTES })
  }
}

function part(output: Uint8Array, index: number): Uint8Array {
  return output.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
}
