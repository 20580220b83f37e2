import { SwarmError } from '@resilient-swarm/contract'
import { describeViolation, type Violation } from './close-codes.ts'

/** Every `code` that a failure of this package carries; each has a heading in the README. */
export type RpcErrorCode =
  | 'ERR_RPC_BUSY'
  | 'ERR_RPC_CLOSED'
  | 'ERR_RPC_NO_ANSWER'
  | 'ERR_RPC_NO_METHOD'
  | 'ERR_RPC_PROTOCOL'
  | 'ERR_RPC_REMOTE'
  | 'ERR_RPC_RESULT'
  | 'ERR_RPC_TIMEOUT'

/** An error as it travels: data, never a stack. */
export interface RemoteFailure {
  readonly message: string
  readonly code?: string
}

export type RpcError = SwarmError<RpcErrorCode>

export const busyError = (): RpcError =>
  new SwarmError('Too many calls wait for this peer already; try again when some have been answered.', {
    code: 'ERR_RPC_BUSY',
    retryable: true,
  })

export const closedError = (cause?: unknown): RpcError =>
  new SwarmError('The session with this peer has ended before the call was answered; call again on a new one.', {
    code: 'ERR_RPC_CLOSED',
    retryable: true,
    cause,
  })

export const noAnswerError = (method: string): RpcError =>
  new SwarmError(`The peer let go of the callback of "${method}" without answering; ask what its method does.`, {
    code: 'ERR_RPC_NO_ANSWER',
  })

export const noMethodError = (method: string): RpcError =>
  new SwarmError(`The peer offers no method named "${method}"; check the name and the peer's version.`, {
    code: 'ERR_RPC_NO_METHOD',
  })

export const protocolError = (violation: Violation): RpcError =>
  new SwarmError(`The peer broke the rpc protocol: ${describeViolation(violation)}. The session was reset.`, {
    code: 'ERR_RPC_PROTOCOL',
  })

export const resultError = (cause: unknown): RpcError =>
  new SwarmError(`The method's result cannot travel: ${messageOf(cause)}.`, { code: 'ERR_RPC_RESULT', cause })

export const timeoutError = (method: string, timeoutMs: number): RpcError =>
  new SwarmError(`No answer from "${method}" within ${timeoutMs} ms; try again or allow more time.`, {
    code: 'ERR_RPC_TIMEOUT',
    retryable: true,
  })

/** What the peer's method failed with, as `cause`; its code is the peer's own word and is not one of ours. */
export function remoteError(told: unknown): RpcError {
  const failure = readFailure(told)
  return new SwarmError(`The peer's method failed: ${failure.message}`, {
    code: 'ERR_RPC_REMOTE',
    cause: failure,
    retryable: failure.code === 'ERR_RPC_BUSY',
  })
}

function readFailure(told: unknown): RemoteFailure {
  if (typeof told !== 'object' || told === null) return Object.freeze({ message: String(told) })
  const { message, code } = told as { message?: unknown; code?: unknown }
  const text = typeof message === 'string' ? message : 'no message was told'
  return Object.freeze(typeof code === 'string' ? { message: text, code } : { message: text })
}

/** A thrown value as data for the peer: its message, bounded, and its code if that is text. */
export function toFailure(thrown: unknown, textCharsMax: number): RemoteFailure {
  const message = messageOf(thrown).slice(0, textCharsMax)
  try {
    const code = (thrown as { code?: unknown } | null | undefined)?.code
    if (typeof code === 'string') return { message, code: code.slice(0, textCharsMax) }
  } catch {
    // A getter that throws has no code to tell.
  }
  return { message }
}

function messageOf(thrown: unknown): string {
  try {
    const message = (thrown as { message?: unknown } | null | undefined)?.message
    return typeof message === 'string' ? message : String(thrown)
  } catch {
    return 'the thrown value has no text'
  }
}
