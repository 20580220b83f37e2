import { SwarmError } from '@resilient-swarm/contract'
import { CIRCUIT_END_CODES, REFUSALS, type Refusal, refusalOfCode } from './refusal-codes.ts'

/** Every way this package fails; each has a heading in the README. */
export type RelayErrorCode =
  | 'ERR_CIRCUIT_LIMIT'
  | 'ERR_CIRCUIT_LOST'
  | 'ERR_CIRCUIT_NO_RELAY'
  | 'ERR_CIRCUIT_PROTOCOL'
  | 'ERR_CIRCUIT_REFUSED'
  | 'ERR_CIRCUIT_TIMEOUT'
  | 'ERR_RELAY_CLOSED'
  | 'ERR_ABORTED'

const RETRYABLE: ReadonlySet<RelayErrorCode> = new Set([
  'ERR_CIRCUIT_LIMIT',
  'ERR_CIRCUIT_LOST',
  'ERR_CIRCUIT_NO_RELAY',
  'ERR_CIRCUIT_TIMEOUT',
])

export function relayError(code: RelayErrorCode, message: string, cause?: unknown): SwarmError<RelayErrorCode> {
  const retryable = RETRYABLE.has(code)
  return new SwarmError(message, cause === undefined ? { code, retryable } : { code, retryable, cause })
}

/** What a refused dial carries as its `cause`. */
interface RefusalCause {
  readonly refusal: Refusal | undefined
  readonly refusalCode: number
}

export function refusedError(refusalCode: number): SwarmError<RelayErrorCode> {
  const refusal = refusalOfCode(refusalCode)
  const cause: RefusalCause = { refusal, refusalCode }
  const { says, retryable } = refusal
    ? REFUSALS[refusal]
    : { says: 'for a reason that this version does not know', retryable: false }
  const code: RelayErrorCode = refusal === 'timeout' ? 'ERR_CIRCUIT_TIMEOUT' : 'ERR_CIRCUIT_REFUSED'
  return new SwarmError(`The relay refused the circuit: ${says} (${refusal ?? 'unknown'}, ${refusalCode}).`, {
    code,
    retryable,
    cause,
  })
}

/** The name of the refusal behind an error of `dial`; undefined for any other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  const cause = error instanceof SwarmError ? (error.cause as Partial<RefusalCause> | undefined) : undefined
  return cause?.refusalCode === undefined ? undefined : cause.refusal
}

/** The error for an END, by its code. */
export function endedError(code: number): SwarmError<RelayErrorCode> {
  switch (code) {
    case CIRCUIT_END_CODES.timeUp:
      return relayError('ERR_CIRCUIT_LIMIT', "The circuit's time was up and it was not renewed; dial again.")
    case CIRCUIT_END_CODES.leaving:
      return relayError('ERR_CIRCUIT_LOST', 'The relay left; dial through another.')
    case CIRCUIT_END_CODES.legMalformed:
      return relayError('ERR_CIRCUIT_LOST', 'The relay could not read what the other end sent; dial again.')
    default:
      return relayError('ERR_CIRCUIT_LOST', 'The relay lost the other end of the circuit; dial again.')
  }
}

export function lostError(cause?: unknown): SwarmError<RelayErrorCode> {
  return relayError('ERR_CIRCUIT_LOST', 'The circuit broke off without an ordinary end; dial again.', cause)
}
