import { SwarmError } from '@resilient-swarm/contract'

/** Everything that can be wrong with what others hand us; each has a heading in the README. */
export type IdentityErrorCode =
  | 'ERR_KEY_INVALID'
  | 'ERR_KEY_TEXT'
  | 'ERR_ENVELOPE_SIZE'
  | 'ERR_ENVELOPE_KEY'
  | 'ERR_ENVELOPE_SIGNATURE'
  | 'ERR_BOX_SIZE'
  | 'ERR_BOX_SEAL'
  | 'ERR_BOX_KEY'
  | 'ERR_DH_ZERO'
  | 'ERR_NOISE'

/** A SwarmError with one of this package's codes. None is retryable: the same bytes stay wrong. */
export function identityError(code: IdentityErrorCode, message: string, cause?: unknown): SwarmError<IdentityErrorCode> {
  return new SwarmError(message, cause === undefined ? { code } : { code, cause })
}
