import { concatBytes, type Random } from '@resilient-swarm/contract'
import { engine as defaultEngine } from '#default-engine'
import { AEAD_TAG_BYTES, type DhKey, type Engine, KEY_BYTES, requireBytes } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import { NOISE_MESSAGE_BYTES_MAX } from './limits.ts'
import { PATTERNS, type Pattern, type PatternName, type Token } from './noise-patterns.ts'
import { CipherState, SymmetricState } from './noise-state.ts'

export type { DhKey } from './engine-seam.ts'
export { NOISE_MESSAGE_BYTES_MAX } from './limits.ts'
export type { PatternName } from './noise-patterns.ts'
export type { CipherState } from './noise-state.ts'

export interface DhKeyPair {
  readonly secret: Uint8Array
  readonly public: Uint8Array
}

export interface NoiseOptions {
  readonly pattern: PatternName
  readonly role: 'initiator' | 'responder'
  readonly prologue: Uint8Array
  /** A key pair's `dh`, or the bytes of one. */
  readonly staticKey?: DhKey | DhKeyPair
  readonly remoteStatic?: Uint8Array
  readonly psk?: Uint8Array
  /** Only for tests with fixed bytes: an ephemeral key used twice gives everything away. */
  readonly ephemeral?: DhKeyPair
  /** Where ephemeral keys come from; the platform's source by default. */
  readonly random?: Pick<Random, 'bytes'>
  readonly engine?: Engine
}

/** One handshake. After a failed read it is over: make a new one. */
export interface Noise {
  /** A SwarmError `ERR_NOISE` when the peer's key, read before, proves nothing. */
  writeMessage(payload: Uint8Array): Uint8Array
  /** The payload; a SwarmError `ERR_NOISE` for anything but the next message of this handshake. */
  readMessage(message: Uint8Array): Uint8Array
  readonly finished: boolean
  readonly handshakeHash: Uint8Array
  /** The peer's static key, once it is known. */
  readonly remoteStatic: Uint8Array | undefined
  /** The two ciphers, once finished. */
  split(): { readonly send: CipherState; readonly receive: CipherState }
}

/** The Noise protocol, revision 34, for `Noise_<pattern>_25519_ChaChaPoly_SHA256`. */
export function createNoise(options: NoiseOptions): Noise {
  return new HandshakeState(options)
}

/** One direction from a key that both sides already share. */
export function createCipherState({ key, engine = defaultEngine }: { key: Uint8Array; engine?: Engine }): CipherState {
  return new CipherState(engine, key)
}

const PLATFORM_RANDOM: Pick<Random, 'bytes'> = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) }

/** Noise §5.3, with its letters: s and e are ours, rs and re theirs. */
class HandshakeState implements Noise {
  readonly #options: NoiseOptions
  readonly #engine: Engine
  readonly #pattern: Pattern
  readonly #symmetric: SymmetricState
  readonly #s: DhKey | undefined
  #e: DhKey | undefined
  #rs: Uint8Array | undefined
  #re: Uint8Array | undefined
  #step = 0
  #broken = false

  constructor(options: NoiseOptions) {
    const { pattern, role, prologue, staticKey, remoteStatic, psk, engine = defaultEngine } = options
    if (!Object.hasOwn(PATTERNS, pattern)) throw new TypeError(`pattern must be one of ${Object.keys(PATTERNS).join(', ')}`)
    this.#options = options
    this.#engine = engine
    this.#pattern = PATTERNS[pattern]
    this.#s = staticKey && toDhKey(engine, staticKey)
    this.#symmetric = new SymmetricState(engine, `Noise_${pattern}_25519_ChaChaPoly_SHA256`)
    this.#symmetric.mixHash(prologue)
    const tokens = this.#pattern.messages.flatMap((tokens, step) => tokens.map((token) => ({ token, ours: this.#isOurs(step) })))
    if (tokens.some(({ token, ours }) => token === 's' && ours) && !this.#s) throw new TypeError(`${pattern} needs staticKey`)
    if (tokens.some(({ token }) => token === 'psk')) requireBytes('psk', psk ?? new Uint8Array(0), KEY_BYTES)
    if (!this.#pattern.knowsResponder) return
    const responder = role === 'initiator' ? remoteStatic : this.#s?.public
    if (!responder) throw new TypeError(`${pattern} needs ${role === 'initiator' ? 'remoteStatic' : 'staticKey'}`)
    requireBytes('remoteStatic', responder, KEY_BYTES)
    if (role === 'initiator') this.#rs = responder
    this.#symmetric.mixHash(responder)
  }

  get finished(): boolean {
    return this.#step === this.#pattern.messages.length
  }

  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash.slice()
  }

  get remoteStatic(): Uint8Array | undefined {
    return this.#rs?.slice()
  }

  writeMessage(payload: Uint8Array): Uint8Array {
    if (this.#broken || this.finished || !this.#isOurs(this.#step)) throw new TypeError('it is not our turn to write')
    this.#broken = true // until it was written to its end
    const parts: Uint8Array[] = []
    for (const token of this.#pattern.messages[this.#step] ?? []) {
      const written = this.#write(token)
      if (written) parts.push(written)
    }
    const tagBytes = this.#symmetric.hasKey ? AEAD_TAG_BYTES : 0
    const byteCount = parts.reduce((sum, part) => sum + part.byteLength, payload.byteLength + tagBytes)
    if (byteCount > NOISE_MESSAGE_BYTES_MAX) {
      throw new RangeError(`payload makes a message of ${byteCount} bytes, at most ${NOISE_MESSAGE_BYTES_MAX} are allowed`)
    }
    parts.push(this.#symmetric.encryptAndHash(payload))
    this.#broken = false
    this.#step++
    return concatBytes(...parts)
  }

  readMessage(message: Uint8Array): Uint8Array {
    if (this.#broken || this.finished || this.#isOurs(this.#step)) {
      throw identityError('ERR_NOISE', 'A handshake message came when none was due.')
    }
    this.#broken = true // until it was read to its end
    if (message.byteLength > NOISE_MESSAGE_BYTES_MAX) throw identityError('ERR_NOISE', 'A handshake message is too long.')
    let offset = 0
    for (const token of this.#pattern.messages[this.#step] ?? []) offset = this.#read(token, message, offset)
    const payload = this.#symmetric.decryptAndHash(message.subarray(offset))
    this.#broken = false
    this.#step++
    return payload
  }

  split(): { send: CipherState; receive: CipherState } {
    if (!this.finished) throw new TypeError('the handshake is not finished')
    const [first, second] = this.#symmetric.split()
    return this.#options.role === 'initiator' ? { send: first, receive: second } : { send: second, receive: first }
  }

  #isOurs(step: number): boolean {
    return (step % 2 === 0) === (this.#options.role === 'initiator')
  }

  #write(token: Token): Uint8Array | undefined {
    if (token === 'e') {
      this.#e = this.#createEphemeral()
      this.#mixEphemeral(this.#e.public)
      return this.#e.public
    }
    if (token === 's') return this.#symmetric.encryptAndHash((this.#s as DhKey).public)
    this.#mix(token)
    return undefined
  }

  #read(token: Token, message: Uint8Array, offset: number): number {
    if (token === 'e') {
      this.#re = take(message, offset, KEY_BYTES).slice()
      this.#mixEphemeral(this.#re)
      return offset + KEY_BYTES
    }
    if (token === 's') {
      const byteCount = KEY_BYTES + (this.#symmetric.hasKey ? AEAD_TAG_BYTES : 0)
      this.#rs = this.#symmetric.decryptAndHash(take(message, offset, byteCount))
      return offset + byteCount
    }
    this.#mix(token)
    return offset
  }

  #mix(token: Exclude<Token, 'e' | 's'>): void {
    if (token === 'psk') {
      this.#symmetric.mixKeyAndHash(this.#options.psk as Uint8Array)
      return
    }
    // The first letter is the initiator's key, the second the responder's.
    const isInitiator = this.#options.role === 'initiator'
    const ours = token[isInitiator ? 0 : 1] === 'e' ? this.#e : this.#s
    const theirs = token[isInitiator ? 1 : 0] === 'e' ? this.#re : this.#rs
    if (!ours || !theirs) throw new TypeError('a key of this pattern is missing')
    this.#symmetric.mixKey(sharedSecret(ours, theirs))
  }

  #mixEphemeral(key: Uint8Array): void {
    this.#symmetric.mixHash(key)
    if (this.#options.psk) this.#symmetric.mixKey(key) // Noise §9.2
  }

  #createEphemeral(): DhKey {
    const { ephemeral, random = PLATFORM_RANDOM } = this.#options
    return this.#engine.createDhKey(ephemeral ? ephemeral.secret : random.bytes(KEY_BYTES))
  }
}

function toDhKey(engine: Engine, key: DhKey | DhKeyPair): DhKey {
  return 'shared' in key ? key : engine.createDhKey(key.secret)
}

function sharedSecret(ours: DhKey, theirs: Uint8Array): Uint8Array {
  try {
    return ours.shared(theirs)
  } catch (cause) {
    throw identityError('ERR_NOISE', 'The other side offered a key that proves nothing.', cause)
  }
}

function take(message: Uint8Array, offset: number, byteCount: number): Uint8Array {
  if (message.byteLength < offset + byteCount) throw identityError('ERR_NOISE', 'A handshake message ends too early.')
  return message.subarray(offset, offset + byteCount)
}
