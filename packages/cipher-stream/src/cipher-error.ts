import { SwarmError } from '@resilient-swarm/contract'

/** Every way this package fails; each has a heading in the README. */
export type CipherErrorCode =
  | 'ERR_HANDSHAKE_FAILED'
  | 'ERR_HANDSHAKE_KEY'
  | 'ERR_HANDSHAKE_LOST'
  | 'ERR_HANDSHAKE_PEER'
  | 'ERR_HANDSHAKE_TIMEOUT'
  | 'ERR_BAD_RECORD'
  | 'ERR_TRUNCATED'
  | 'ERR_UNHEARD'
  | 'ERR_ABORTED'

/** Numbers in a CLOSE record and in `CloseReason.code`. Those below 240 belong to the layers above; 0 is an ordinary end. */
export const CLOSE_CODES = Object.freeze({
  finished: 0,
  /** A record did not open: it was changed, dropped, swapped or repeated on its way. */
  badRecord: 240,
  /** The channel ended without the sealed CLOSE. Never sent. */
  truncated: 241,
  /** Too much came before anybody listened. */
  unheard: 242,
  /** Ended by `abort`. Never sent. */
  aborted: 243,
})

/** A CLOSE record has two bytes for its code. */
export const CLOSE_CODE_MAX = 0xffff

const RETRYABLE: ReadonlySet<CipherErrorCode> = new Set(['ERR_HANDSHAKE_LOST', 'ERR_HANDSHAKE_TIMEOUT', 'ERR_TRUNCATED'])

export function cipherError(code: CipherErrorCode, message: string, cause?: unknown): SwarmError<CipherErrorCode> {
  const retryable = RETRYABLE.has(code)
  return new SwarmError(message, cause === undefined ? { code, retryable } : { code, retryable, cause })
}
