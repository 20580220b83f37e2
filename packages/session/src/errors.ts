import { SwarmError } from '@resilient-swarm/contract'
import type { CloseCode } from './close-codes.ts'

/** Every way this package fails; each has a heading in the README. */
export type SessionErrorCode =
  | 'ERR_HELLO_TIMEOUT'
  | 'ERR_PATH_LOST'
  | 'ERR_PATH_REFUSED'
  | 'ERR_PATH_SILENT'
  | 'ERR_SESSION_ABORTED'
  | 'ERR_SESSION_OVERFLOW'
  | 'ERR_SESSION_PROTOCOL'
  | 'ERR_SESSION_UNKNOWN'
  | 'ERR_UNHEARD'

const RETRYABLE: ReadonlySet<SessionErrorCode> = new Set([
  'ERR_HELLO_TIMEOUT',
  'ERR_PATH_LOST',
  'ERR_PATH_REFUSED',
  'ERR_PATH_SILENT',
  'ERR_SESSION_ABORTED',
  'ERR_SESSION_UNKNOWN',
])

export function sessionError(code: SessionErrorCode, message: string, cause?: unknown): SwarmError<SessionErrorCode> {
  const retryable = RETRYABLE.has(code)
  return new SwarmError(message, cause === undefined ? { code, retryable } : { code, retryable, cause })
}

/** Thrown while a peer's bytes are read, caught in one place, and never seen by a user. */
export class ProtocolViolation extends Error {
  readonly closeCode: CloseCode

  constructor(closeCode: CloseCode, message: string) {
    super(message)
    this.closeCode = closeCode
  }
}

export function protocolError(violation: ProtocolViolation): SwarmError<SessionErrorCode> {
  const { closeCode, message } = violation
  return sessionError(
    'ERR_SESSION_PROTOCOL',
    `The peer broke the session's protocol (close code ${closeCode}): ${message}. Call it again, and update whichever side is older.`,
    violation,
  )
}
