import { concatBytes, equalBytes, type PeerId } from '@resilient-swarm/contract'
import { AEAD_TAG_BYTES, KEY_BYTES } from './engine-seam.ts'
import { identityError } from './identity-error.ts'
import type { KeyPair } from './key-pair.ts'
import { NOISE_MESSAGE_BYTES_MAX } from './limits.ts'
import { createNoise, type Noise } from './noise.ts'
import { encodePeerId } from './peer-id.ts'
import { type PublicKey, parsePublicKey, toDhPublic } from './public-key.ts'

/** An ephemeral key, the sealed static key, and the sender's Ed25519 key sealed before the payload. */
export const BOX_OVERHEAD_BYTES = KEY_BYTES + (KEY_BYTES + AEAD_TAG_BYTES) + (KEY_BYTES + AEAD_TAG_BYTES)
export const BOX_PAYLOAD_BYTES_MAX = NOISE_MESSAGE_BYTES_MAX - BOX_OVERHEAD_BYTES

/** A payload of at most `BOX_PAYLOAD_BYTES_MAX`, its receiver, and what both must agree on before. */
export interface BoxToSeal {
  readonly from: KeyPair
  readonly to: PublicKey
  /** What both sides know of this box and what it is for; it begins with a domain. */
  readonly prologue: Uint8Array
  readonly payload: Uint8Array
}

/** Untrusted bytes, and the key pair and prologue that they should be sealed for. */
export interface BoxToOpen {
  readonly keyPair: KeyPair
  readonly prologue: Uint8Array
  readonly box: Uint8Array
}

/** What was inside, and the proven key of who sealed it. */
export interface OpenedBox {
  readonly from: PublicKey
  readonly peerId: PeerId
  readonly payload: Uint8Array
}

/** Noise_X: only `to` can open it and learns who sealed it. It can be replayed, so the payload needs an id or an expiry. */
export function sealBox({ from, to, prologue, payload }: BoxToSeal): Uint8Array {
  if (payload.byteLength > BOX_PAYLOAD_BYTES_MAX) throw new RangeError(`payload must have at most ${BOX_PAYLOAD_BYTES_MAX} bytes`)
  const noise = createNoise({ pattern: 'X', role: 'initiator', prologue, staticKey: from.dh, remoteStatic: toDhPublic(to) })
  return noise.writeMessage(concatBytes(from.publicKey, payload))
}

/** Who sealed it is proven: the Ed25519 key inside has the static key as its X25519 form. */
export function openBox({ keyPair, prologue, box }: BoxToOpen): OpenedBox {
  if (box.byteLength < BOX_OVERHEAD_BYTES || box.byteLength > NOISE_MESSAGE_BYTES_MAX) {
    throw identityError('ERR_BOX_SIZE', `A sealed box cannot have ${box.byteLength} bytes; drop it.`)
  }
  const noise = createNoise({ pattern: 'X', role: 'responder', prologue, staticKey: keyPair.dh })
  const content = openSeal(noise, box)
  const from = parseSender(content.subarray(0, KEY_BYTES))
  if (!equalBytes(toDhPublic(from), noise.remoteStatic ?? new Uint8Array(0))) {
    throw identityError('ERR_BOX_KEY', 'This box names a sender that did not seal it; drop it.')
  }
  return { from, peerId: encodePeerId(from), payload: content.slice(KEY_BYTES) }
}

function openSeal(noise: Noise, box: Uint8Array): Uint8Array {
  try {
    return noise.readMessage(box)
  } catch (cause) {
    throw identityError(
      'ERR_BOX_SEAL',
      'This box was not sealed for this key and purpose, or was changed on its way; drop it.',
      cause,
    )
  }
}

function parseSender(bytes: Uint8Array): PublicKey {
  try {
    return parsePublicKey(bytes)
  } catch (cause) {
    throw identityError('ERR_BOX_KEY', 'The sender of this box is not a key; drop it.', cause)
  }
}
