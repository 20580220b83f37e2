import { concatBytes, encodeVarint, equalBytes, lengthPrefixed, type Random, readVarint, utf8 } from '@resilient-swarm/contract'
import { DOMAINS, encodePeerId, type KeyPair, type PublicKey, parsePublicKey, toDhPublic } from '@resilient-swarm/identity'
import { type CipherState, createNoise, type Noise } from '@resilient-swarm/identity/noise'
import { cipherError } from './cipher-error.ts'
import { HANDSHAKE_MESSAGE_BYTES_MAX } from './limits.ts'

const EMPTY = new Uint8Array(0)
const PAYLOAD_VERSION = 1
const KEY_OFFSET = 1
const TIME_OFFSET = KEY_OFFSET + 32

/** What both ends know of the path before they speak; a difference anywhere fails the handshake. */
export interface PathFacts {
  readonly network: string
  readonly kind: string
  readonly binding: Uint8Array
}

export interface HandshakeOptions extends PathFacts {
  readonly role: 'initiator' | 'responder'
  readonly keyPair: KeyPair
  readonly expected?: PublicKey
  readonly nowMs: number
  readonly random: Pick<Random, 'bytes'>
}

/** A peer that proved its key, and the two ciphers of this path. */
export interface Proven {
  readonly remotePublicKey: PublicKey
  readonly remoteTimeMs: number
  readonly handshakeHash: Uint8Array
  readonly send: CipherState
  readonly receive: CipherState
}

export interface HandshakeStep {
  readonly reply?: Uint8Array
  readonly proven?: Proven
}

/** Bytes in, bytes out; knows neither time nor channel. */
export interface Handshake {
  /** The initiator's first message; undefined for the responder. */
  start(): Uint8Array | undefined
  /** A SwarmError `ERR_HANDSHAKE_*` ends it for good. */
  receive(message: Uint8Array): HandshakeStep
}

/** `rs/1/path` ‖ network ‖ kind ‖ binding, each after its length. */
export function encodePrologue({ network, kind, binding }: PathFacts): Uint8Array {
  return concatBytes(...[utf8(DOMAINS.path), utf8(network), utf8(kind), binding].map(lengthPrefixed))
}

/** Noise XX: `→ e`, `← e, ee, s, es`, `→ s, se`; the second and third carry who we are, sealed. */
export function createHandshake(options: HandshakeOptions): Handshake {
  const { role, keyPair, expected, nowMs, random } = options
  const noise = createNoise({ pattern: 'XX', role, prologue: encodePrologue(options), staticKey: keyPair.dh, random })
  const payload = encodePayload(keyPair.publicKey, nowMs)
  let first = role === 'responder'
  return {
    start: () => (role === 'initiator' ? noise.writeMessage(EMPTY) : undefined),
    receive(message) {
      const content = read(noise, message)
      if (first) {
        first = false // bare e: nothing is proven yet
        return { reply: write(noise, payload) }
      }
      const remote = checkIdentity(noise, content, expected)
      const reply = role === 'initiator' ? { reply: write(noise, payload) } : {}
      return { ...reply, proven: { ...remote, handshakeHash: noise.handshakeHash, ...noise.split() } }
    },
  }
}

/** `version ‖ Ed25519 key ‖ varint wall clock in ms`; what later versions append is ignored by this one. */
export function encodePayload(publicKey: PublicKey, nowMs: number): Uint8Array {
  return concatBytes(Uint8Array.of(PAYLOAD_VERSION), publicKey, encodeVarint(Math.max(0, Math.trunc(nowMs))))
}

function read(noise: Noise, message: Uint8Array): Uint8Array {
  if (message.byteLength > HANDSHAKE_MESSAGE_BYTES_MAX) {
    throw failed(`A handshake message has at most ${HANDSHAKE_MESSAGE_BYTES_MAX} bytes`)
  }
  try {
    return noise.readMessage(message)
  } catch (cause) {
    throw failed('A handshake message did not fit this path', cause)
  }
}

function write(noise: Noise, payload: Uint8Array): Uint8Array {
  try {
    return noise.writeMessage(payload)
  } catch (cause) {
    throw failed('The peer offered a key that proves nothing', cause)
  }
}

function checkIdentity(noise: Noise, content: Uint8Array, expected: PublicKey | undefined) {
  if (content[0] !== PAYLOAD_VERSION) throw failed('The peer speaks another version of the handshake')
  const time = readVarint(content, TIME_OFFSET)
  if (time === undefined || time === 'invalid') throw failed('The handshake does not tell the time as it should')
  const remotePublicKey = parseKey(content.subarray(KEY_OFFSET, TIME_OFFSET))
  if (!equalBytes(toDhPublic(remotePublicKey), noise.remoteStatic ?? EMPTY)) {
    throw cipherError('ERR_HANDSHAKE_KEY', 'The peer claims a key that it did not prove; do not trust this path.')
  }
  if (expected && !equalBytes(remotePublicKey, expected)) {
    const message = `The path leads to ${encodePeerId(remotePublicKey)}, not to the peer that was called; dial again by another way.`
    throw cipherError('ERR_HANDSHAKE_PEER', message)
  }
  return { remotePublicKey, remoteTimeMs: time.value }
}

function parseKey(bytes: Uint8Array): PublicKey {
  try {
    return parsePublicKey(bytes)
  } catch (cause) {
    throw cipherError('ERR_HANDSHAKE_KEY', 'The peer claims something that is no key; do not trust this path.', cause)
  }
}

function failed(what: string, cause?: unknown) {
  const advice = 'either somebody is in between, or the two sides differ in network, path or version.'
  return cipherError('ERR_HANDSHAKE_FAILED', `${what}: ${advice}`, cause)
}
