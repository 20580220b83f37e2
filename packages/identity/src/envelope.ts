import { concatBytes, type PeerId } from '@resilient-swarm/contract'
import type { Domain } from './domains.ts'
import { KEY_BYTES, SIGNATURE_BYTES } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import type { KeyPair } from './key-pair.ts'
import { ENVELOPE_PAYLOAD_BYTES_MAX } from './limits.ts'
import { encodePeerId } from './peer-id.ts'
import { type PublicKey, parsePublicKey, proveKey } from './public-key.ts'

/** What an envelope adds to its payload: the author's key and the signature. */
export const ENVELOPE_OVERHEAD_BYTES = KEY_BYTES + SIGNATURE_BYTES

/** A payload of at most `ENVELOPE_PAYLOAD_BYTES_MAX`, and the one domain that its signature is good for. */
export interface EnvelopeToSeal {
  readonly keyPair: KeyPair
  readonly domain: Domain
  readonly payload: Uint8Array
}

/** What was signed, and by whom. */
export interface OpenedEnvelope {
  readonly publicKey: PublicKey
  readonly peerId: PeerId
  readonly payload: Uint8Array
}

/** `key(32) ‖ signature(64) ‖ payload`: anyone can carry it, only the key's owner can have made it. */
export function sealEnvelope({ keyPair, domain, payload }: EnvelopeToSeal): Uint8Array {
  if (payload.byteLength > ENVELOPE_PAYLOAD_BYTES_MAX) {
    throw new RangeError(`payload must have at most ${ENVELOPE_PAYLOAD_BYTES_MAX} bytes`)
  }
  return concatBytes(keyPair.publicKey, keyPair.sign(domain, payload), payload)
}

/** Checked: size, then key and signature in one. The payload is a copy. */
export function openEnvelope({ domain, bytes }: { domain: Domain; bytes: Uint8Array }): OpenedEnvelope {
  const payloadBytes = bytes.byteLength - ENVELOPE_OVERHEAD_BYTES
  if (payloadBytes < 0 || payloadBytes > ENVELOPE_PAYLOAD_BYTES_MAX) {
    throw identityError('ERR_ENVELOPE_SIZE', `An envelope cannot have ${bytes.byteLength} bytes; drop it.`)
  }
  const author = bytes.subarray(0, KEY_BYTES)
  const payload = bytes.slice(ENVELOPE_OVERHEAD_BYTES)
  const publicKey = proveKey(author, { domain, payload, signature: bytes.subarray(KEY_BYTES, ENVELOPE_OVERHEAD_BYTES) })
  if (!publicKey) {
    requireKey(author) // only to say which of the two it was
    throw identityError('ERR_ENVELOPE_SIGNATURE', `This envelope was not signed for ${domain} by the key it names; drop it.`)
  }
  return new Opened(publicKey, payload)
}

class Opened implements OpenedEnvelope {
  readonly publicKey: PublicKey
  readonly payload: Uint8Array

  constructor(publicKey: PublicKey, payload: Uint8Array) {
    this.publicKey = publicKey
    this.payload = payload
  }

  /** Made when it is asked for. */
  get peerId(): PeerId {
    return encodePeerId(this.publicKey)
  }
}

function requireKey(bytes: Uint8Array): void {
  try {
    parsePublicKey(bytes)
  } catch (cause) {
    throw identityError('ERR_ENVELOPE_KEY', 'The author of this envelope is not a key; drop it.', cause)
  }
}
