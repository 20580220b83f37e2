/** What a failure of the world carries besides its sentence. */
export interface SwarmErrorOptions<Code extends string> {
  /** Stable, `ERR_…`; every code has a heading in its package's README. */
  readonly code: Code
  readonly cause?: unknown
  /** True when the same call may succeed later without any change by the caller. */
  readonly retryable?: boolean
}

/** A failure of the world (timeout, refused, closed): the message is a sentence that says what to do. */
export class SwarmError<Code extends string = string> extends Error {
  override readonly name = 'SwarmError'
  readonly code: Code
  readonly retryable: boolean

  constructor(message: string, { code, cause, retryable = false }: SwarmErrorOptions<Code>) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
  }
}

/** The error for a call that its own caller cancelled; `cause` is the signal's reason. */
export function abortedError(signal: AbortSignal): SwarmError<'ERR_ABORTED'> {
  return new SwarmError('The call was cancelled by its own signal.', { code: 'ERR_ABORTED', cause: signal.reason })
}
