import type { Runtime } from '@resilient-swarm/contract'
import { CLOSE_CODES, type Violation } from './close-codes.ts'
import { CullBatch } from './cull-batch.ts'
import { Deadlines, type Expiring } from './deadlines.ts'
import { cullLine, encodeValues, requestLine, type UserFunction } from './encode.ts'
import type { DnodeLine } from './guard.ts'
import type { RpcLimits } from './limits.ts'
import type { LineWriter } from './lines.ts'
import type { LocalCallbacks } from './local-callbacks.ts'
import { busyError, resultError, timeoutError, toFailure } from './rpc-error.ts'
import { registerFunctions } from './user-callback.ts'

/** A method as the session calls it, under the name that it was offered by. */
export interface OfferedMethod {
  readonly name: string
  readonly call: UserFunction
}

export interface InboundCallsOptions {
  readonly writer: LineWriter
  readonly callbacks: LocalCallbacks
  readonly limits: RpcLimits
  readonly runtime: Runtime
  readonly cull: boolean
  readonly onViolation: (violation: Violation) => void
  readonly onFree: () => void
}

/** The peer's calls to our methods: at most 256 run at once, each is answered once. */
export class InboundCalls {
  readonly #options: InboundCallsOptions
  readonly #running = new Set<Expiring>()
  readonly #deadlines: Deadlines
  readonly #culls: CullBatch
  #isEnded = false

  constructor(options: InboundCallsOptions) {
    this.#options = options
    this.#deadlines = new Deadlines({ clock: options.runtime.clock, live: () => this.#running })
    const { limits, writer } = options
    this.#culls = new CullBatch({
      batchIds: limits.cullBatchIds,
      sharedMax: limits.callbacksMax,
      write: (ids) => writer.write(cullLine(ids)),
    })
  }

  run(method: OfferedMethod, line: DnodeLine): void {
    const replyId = this.takeFunctions(line)
    if (replyId !== undefined && this.#options.cull) this.#culls.arrived(replyId)
    try {
      if (this.#running.size >= this.#options.limits.inFlightMax) throw busyError()
      const result = method.call(...line.arguments)
      if (isThenable(result)) this.#await(method.name, result, replyId)
      else this.#succeed(replyId, result)
    } catch (error) {
      this.#fail(replyId, error)
    }
  }

  /** Puts functions where the peer's were; a last argument that was one is taken off and its id returned. */
  takeFunctions({ arguments: values, references }: DnodeLine): number | undefined {
    let replyId: number | undefined
    for (const { id, path, holder, key } of references) {
      if (path.length === 1 && Number(key) === values.length - 1) replyId = id
      else holder[key] = this.#remoteFunction(id)
    }
    if (replyId !== undefined) values.pop()
    return replyId
  }

  /** As `takeFunctions`, for an answer: all of them stay where they were. */
  placeFunctions({ references }: DnodeLine): void {
    for (const { id, holder, key } of references) holder[key] = this.#remoteFunction(id)
  }

  end(): void {
    this.#isEnded = true
    this.#deadlines.cancel()
    this.#running.clear()
  }

  #await(name: string, result: PromiseLike<unknown>, replyId: number | undefined): void {
    const { limits, runtime } = this.#options
    const settle = (act: () => void) => {
      if (this.#running.delete(entry)) act()
    }
    const entry: Expiring = {
      deadlineMs: runtime.clock.monotonic() + limits.callTimeoutMs,
      expire: () => settle(() => this.#fail(replyId, timeoutError(name, limits.callTimeoutMs))),
    }
    this.#running.add(entry)
    this.#deadlines.watch(entry.deadlineMs)
    Promise.resolve(result).then(
      (value) => settle(() => this.#succeed(replyId, value)),
      (error: unknown) => settle(() => this.#fail(replyId, error)),
    )
  }

  #succeed(replyId: number | undefined, result: unknown): void {
    if (replyId === undefined) return
    try {
      this.#answer(replyId, [null, result])
    } catch (error) {
      this.#fail(replyId, resultError(error))
    }
  }

  #fail(replyId: number | undefined, thrown: unknown): void {
    const { limits, runtime } = this.#options
    const failure = toFailure(thrown, limits.errorTextCharsMax)
    if (replyId === undefined) runtime.log.debug('A method failed that was called without a callback.', { ...failure })
    else this.#answer(replyId, [failure])
  }

  #answer(replyId: number, values: readonly unknown[]): void {
    if (this.#isEnded) return
    this.#send(replyId, values)
    if (this.#options.cull) this.#culls.answered(replyId)
  }

  /** Calls the peer's callback. Throws what `encodeValues` throws, a RangeError when it is too long for a line. */
  #send(id: number, values: readonly unknown[]): void {
    const { writer, limits, callbacks, onViolation } = this.#options
    const encoded = encodeValues(values, limits)
    if (!callbacks.hasRoomFor(encoded.functions.length)) throw busyError()
    const registered = registerFunctions(encoded.functions, this.#options)
    const line = requestLine(id, encoded.text, registered.text)
    if (line.length > limits.lineBytesMax) {
      registered.undo()
      throw new RangeError(`an answer takes at most ${limits.lineBytesMax} bytes as JSON`)
    }
    if (writer.isBlocked && writer.waitingBytes + line.length > limits.unsentAnswerBytesMax) {
      registered.undo()
      this.#sendBusy(id)
    } else {
      writer.write(line)
    }
    if (writer.waitingBytes > limits.unsentAnswerBytesMax + limits.lineBytesMax) onViolation(CLOSE_CODES.answersUnread)
  }

  #sendBusy(id: number): void {
    const { writer, limits } = this.#options
    writer.write(requestLine(id, JSON.stringify([toFailure(busyError(), limits.errorTextCharsMax)]), ''))
  }

  /** The peer's function as ours: the first call within 30 s travels, all others do nothing. */
  #remoteFunction(id: number): UserFunction {
    const { clock } = this.#options.runtime
    const deadlineMs = clock.monotonic() + this.#options.limits.callTimeoutMs
    let isUsed = false
    return (...values) => {
      if (isUsed || this.#isEnded || clock.monotonic() >= deadlineMs) return
      this.#send(id, values)
      isUsed = true
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
