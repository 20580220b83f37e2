import { SwarmError } from '@resilient-swarm/contract'
import { closeCodeName } from './close-codes.ts'

/** Every code of this package; each has a heading in the README. */
export type SignalErrorCode =
  | 'ERR_SIGNAL_OFFLINE'
  | 'ERR_SIGNAL_NO_SERVER'
  | 'ERR_SIGNAL_RATE'
  | 'ERR_SIGNAL_TOO_LARGE'
  | 'ERR_SIGNAL_TIMEOUT'
  | 'ERR_SIGNAL_CLOSED'
  | 'ERR_SIGNAL_CONNECT'
  | 'ERR_SIGNAL_LOST'
  | 'ERR_SIGNAL_REFUSED'
  | 'ERR_SIGNAL_PROTOCOL'
  | 'ERR_SIGNAL_DISPLACED'
  | 'ERR_SIGNAL_SEAL'
  | 'ERR_SIGNAL_CONTENT'
  | 'ERR_SIGNAL_EXPIRED'

const RETRYABLE: ReadonlySet<SignalErrorCode> = new Set([
  'ERR_SIGNAL_OFFLINE',
  'ERR_SIGNAL_NO_SERVER',
  'ERR_SIGNAL_RATE',
  'ERR_SIGNAL_TIMEOUT',
  'ERR_SIGNAL_CONNECT',
  'ERR_SIGNAL_LOST',
] as const)

export function signalError(code: SignalErrorCode, message: string, cause?: unknown): SwarmError<SignalErrorCode> {
  return new SwarmError(message, { code, retryable: RETRYABLE.has(code), ...(cause === undefined ? {} : { cause }) })
}

/** The server could not be reached at all. */
export function connectFailed(url: string, cause: unknown): SwarmError<SignalErrorCode> {
  const reason = typeof cause === 'string' && cause !== '' ? ` (${cause})` : ''
  return signalError('ERR_SIGNAL_CONNECT', `${url} cannot be reached${reason}; check the URL and that the server runs.`, cause)
}

/** The server was reached and ended the connection. */
export function closedByServer(url: string, { code, reason }: { code: number; reason: string }): SwarmError<SignalErrorCode> {
  const said = `${code}${reason === '' ? '' : `: ${reason}`}`
  switch (closeCodeName(code)) {
    case 'displaced':
      return signalError('ERR_SIGNAL_DISPLACED', `A newer login of this key took over at ${url}; one live instance a key.`)
    case 'loginOrigin':
      return signalError(
        'ERR_SIGNAL_REFUSED',
        `${url} is not a name of the server that answers there (${said}); start it with --origin ${url}.`,
      )
    case 'loginTime':
    case 'loginSignature':
      return signalError('ERR_SIGNAL_REFUSED', `${url} refused the login (${said}).`)
    case 'frameInvalid':
    case 'frameUnexpected':
    case 'frameTooLarge':
      return signalError('ERR_SIGNAL_PROTOCOL', `${url} did not understand us (${said}); it may be of another version.`)
    default:
      return signalError('ERR_SIGNAL_LOST', `${url} ended the connection (${said}); it is dialled again.`)
  }
}

export function closedError(): SwarmError<SignalErrorCode> {
  return signalError('ERR_SIGNAL_CLOSED', 'This signal exchange was closed; create another one.')
}
