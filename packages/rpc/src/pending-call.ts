import { abortedError } from '@resilient-swarm/contract'
import type { EncodedValues } from './encode.ts'
import type { LocalCallback } from './local-callbacks.ts'
import { closedError, noAnswerError, remoteError, timeoutError } from './rpc-error.ts'

/**
 * What a method calls its last argument with. `error-first`: (error, result), what this package does. `result`: (result), as
 * many plain dnode methods do. `none`: the method takes no callback, and the call is done when it is sent.
 */
export type ReplyConvention = 'error-first' | 'result' | 'none'

export interface PendingCallOptions {
  readonly method: string
  readonly encoded: EncodedValues
  readonly argumentCount: number
  readonly reply: ReplyConvention
  readonly timeoutMs: number
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  /** Told once, before the promise settles: the call takes no place any more. */
  readonly onSettled: (call: PendingCall) => void
}

/** One call from its making to its answer; its own reply callback once it is sent. */
export class PendingCall implements LocalCallback {
  /** The id of its reply callback while the peer may answer. */
  id: number | undefined
  readonly deadlineMs: number
  readonly #options: PendingCallOptions
  readonly #onAbort: (() => void) | undefined

  constructor(options: PendingCallOptions) {
    this.#options = options
    this.deadlineMs = options.deadlineMs
    const { signal } = options
    if (!signal) return
    this.#onAbort = () => this.fail(abortedError(signal))
    signal.addEventListener('abort', this.#onAbort)
  }

  get method(): string {
    return this.#options.method
  }

  get encoded(): EncodedValues {
    return this.#options.encoded
  }

  get argumentCount(): number {
    return this.#options.argumentCount
  }

  get wantsReply(): boolean {
    return this.#options.reply !== 'none'
  }

  fire(values: unknown[]): void {
    const [error, result] = this.#options.reply === 'result' ? [null, values[0]] : values
    if (error === null || error === undefined) this.succeed(result)
    else this.fail(remoteError(error))
  }

  expire(): void {
    this.fail(timeoutError(this.#options.method, this.#options.timeoutMs))
  }

  drop(): void {
    this.fail(noAnswerError(this.#options.method))
  }

  end(): void {
    this.fail(closedError())
  }

  succeed(result: unknown): void {
    this.#settle()
    this.#options.resolve(result)
  }

  fail(error: Error): void {
    this.#settle()
    this.#options.reject(error)
  }

  #settle(): void {
    if (this.#onAbort) this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#options.onSettled(this)
  }
}
