import { SwarmError } from '@resilient-swarm/contract'
import { CLOSE_CODES, type CloseCode } from './close-codes.ts'

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
  if (closeCode === CLOSE_CODES.unheard) return sessionError('ERR_UNHEARD', `${message}; assign onMessage sooner.`)
  return sessionError(
    'ERR_SESSION_PROTOCOL',
    `The peer broke the session's protocol (close code ${closeCode}): ${message}. Call it again, and update whichever side is older.`,
    violation,
  )
}

/** How a session ends when the world or the peer ends it, in sentences. */
export const sessionErrors = {
  overflow: () =>
    sessionError(
      'ERR_SESSION_OVERFLOW',
      'More was sent than a session keeps for a peer that does not take it: wait for onDrain when send says false.',
    ),
  noPath: (timeoutMs: number) =>
    sessionError(
      'ERR_PATH_LOST',
      `Every path to the peer was lost, and no other was found within ${timeoutMs / 1000} s; call it again.`,
    ),
  unconfirmed: () =>
    sessionError(
      'ERR_PATH_LOST',
      'The peer did not confirm that it has everything, so the last messages may be missing; call it again.',
    ),
  unknown: () =>
    sessionError('ERR_SESSION_UNKNOWN', 'The peer does not know this session any more, it was restarted; call it again.'),
  aborted: (code: number) =>
    sessionError(
      'ERR_SESSION_ABORTED',
      `The peer ended the session with code ${code}, so the last messages may be missing; call it again.`,
    ),
}
