import { concatBytes, decodeHex, lengthPrefixed, type PeerId, utf8 } from '@resilient-swarm/contract'
import { BOX_OVERHEAD_BYTES, DOMAINS, type KeyPair, openBox, type PublicKey, sealBox } from '@resilient-swarm/identity'
import { signalError } from './errors.ts'
import { CONTENT_SIZES_BYTES, SIGNAL_LIFETIME_MS_MAX } from './limits.ts'
import { isSignalId } from './messages.ts'
import { checkNetwork } from './network.ts'
import { decodeContent, encodeContent, type SealedSignal } from './signal-content.ts'

export type { SealedSignal } from './signal-content.ts'

/** What a box is bound to: it opens for this network, this receiver and this id only. lp of each part. */
export function signalPrologue({ network, to, id }: { network: string; to: PublicKey; id: string }): Uint8Array {
  if (!isSignalId(id)) throw new TypeError('id must be 32 lower-case hex digits')
  return concatBytes(
    lengthPrefixed(utf8(DOMAINS.signal)),
    lengthPrefixed(checkNetwork(network)),
    lengthPrefixed(to),
    lengthPrefixed(decodeHex(id)),
  )
}

/**
 * Seals one signal for one peer: Noise_X, the sender's key inside, 1, 2, 4 or 8 KiB of content. A TypeError for a content that
 * its receiver would refuse; ERR_SIGNAL_TOO_LARGE when it has more than 8 KiB. With `now` (ms) its expiry is checked too.
 */
export function sealSignal({
  keyPair,
  to,
  network,
  id,
  content,
  now,
}: {
  readonly keyPair: KeyPair
  readonly to: PublicKey
  readonly network: string
  readonly id: string
  readonly content: SealedSignal
  readonly now?: number
}): Uint8Array {
  const prologue = signalPrologue({ network, to, id })
  const payload = encodeContent(content)
  if (!payload) {
    const most = CONTENT_SIZES_BYTES[CONTENT_SIZES_BYTES.length - 1]
    throw signalError('ERR_SIGNAL_TOO_LARGE', `A signal has at most ${most} bytes; send its candidates in several.`)
  }
  if (!decodeContent(payload)) throw new TypeError('content must be a signal within the limits: see SealedSignal and limits.ts')
  if (now !== undefined && (content.expiresMs <= now || content.expiresMs > now + SIGNAL_LIFETIME_MS_MAX)) {
    throw new RangeError(`content.expiresMs must be in the ${SIGNAL_LIFETIME_MS_MAX / 60_000} minutes after now`)
  }
  return sealBox({ from: keyPair, to, prologue, payload })
}

/** Opens what arrived under `id`: size, seal and sender's key, exact content, expiry, in this order. */
export function openSignal({
  keyPair,
  network,
  id,
  box,
  nowMs,
}: {
  readonly keyPair: KeyPair
  readonly network: string
  readonly id: string
  readonly box: Uint8Array
  readonly nowMs: number
}): { readonly from: PeerId; readonly publicKey: PublicKey; readonly content: SealedSignal } {
  if (!CONTENT_SIZES_BYTES.some((bytes) => bytes + BOX_OVERHEAD_BYTES === box.byteLength)) {
    throw signalError(
      'ERR_SIGNAL_SEAL',
      `No sealed signal has ${box.byteLength} bytes; it was cut, grown or made by something else.`,
    )
  }
  if (!isSignalId(id)) throw signalError('ERR_SIGNAL_SEAL', 'The id of the sealed signal is none: 32 lower-case hex digits are.')
  const opened = openSealed({ keyPair, prologue: signalPrologue({ network, to: keyPair.publicKey, id }), box })
  const content = decodeContent(opened.payload)
  if (!content) throw signalError('ERR_SIGNAL_CONTENT', 'The sealed signal opened, but its content is none of this version.')
  if (content.expiresMs <= nowMs || content.expiresMs > nowMs + SIGNAL_LIFETIME_MS_MAX) {
    throw signalError('ERR_SIGNAL_EXPIRED', 'The sealed signal is too old, or a clock is wrong: compare both sides’ time.')
  }
  return { from: opened.peerId, publicKey: opened.from, content }
}

function openSealed(options: { keyPair: KeyPair; prologue: Uint8Array; box: Uint8Array }): ReturnType<typeof openBox> {
  try {
    return openBox(options)
  } catch (cause) {
    throw signalError(
      'ERR_SIGNAL_SEAL',
      'The sealed signal does not open: not for us, not for this network, or changed on its way.',
      cause,
    )
  }
}
