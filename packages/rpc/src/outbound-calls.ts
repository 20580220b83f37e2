import { abortedError, type Runtime } from '@resilient-swarm/contract'
import { Deadlines } from './deadlines.ts'
import { argumentCallbackEntry, encodeValues, requestLine } from './encode.ts'
import { FUNCTION_PLACEHOLDER } from './guard.ts'
import type { RpcLimits } from './limits.ts'
import type { LineWriter } from './lines.ts'
import type { LocalCallbacks } from './local-callbacks.ts'
import { PendingCall, type ReplyConvention } from './pending-call.ts'
import { busyError, closedError, noMethodError } from './rpc-error.ts'
import { registerFunctions, type UserCallbackContext } from './user-callback.ts'

/** What one call may say differently from its session. */
export interface CallOptions {
  /** 30,000 by default. */
  readonly timeoutMs?: number | undefined
  /** The session's own convention by default. */
  readonly reply?: ReplyConvention | undefined
  /** Ends the waiting with ERR_ABORTED; the peer may still carry the call out. */
  readonly signal?: AbortSignal | undefined
}

export interface OutboundCallsOptions {
  readonly writer: LineWriter
  readonly callbacks: LocalCallbacks
  readonly reply: ReplyConvention
  readonly limits: RpcLimits
  readonly runtime: Runtime
}

const CALL_OPTIONS: ReadonlySet<string> = new Set(['timeoutMs', 'reply', 'signal'])
const REPLIES: ReadonlySet<unknown> = new Set(['error-first', 'result', 'none'])

/** Our calls to the peer: at most 256 in flight, a bounded number waiting in order behind them. */
export class OutboundCalls {
  readonly #options: OutboundCallsOptions
  readonly #waiting = new Set<PendingCall>()
  readonly #deadlines: Deadlines
  readonly #userCallbacks: UserCallbackContext
  #waitingBytes = 0
  #inFlight = 0
  #methods: ReadonlyMap<string, number> | undefined
  #isEnded = false

  constructor(options: OutboundCallsOptions) {
    this.#options = options
    this.#userCallbacks = { ...options, onFree: () => this.sendWaiting() }
    this.#deadlines = new Deadlines({ clock: options.runtime.clock, live: () => this.#waiting })
  }

  /** Calls that were sent and are not answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** What the peer offers, by name; calls wait until it is known. */
  learn(methods: ReadonlyMap<string, number>): void {
    this.#methods = methods
    this.sendWaiting()
  }

  call(method: string, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const { limits, runtime, reply: usual, callbacks } = this.#options
    const { signal, timeoutMs = limits.callTimeoutMs, reply = usual } = options
    return new Promise((resolve, reject) => {
      checkCall(method, args, options)
      if (signal?.aborted) throw abortedError(signal)
      if (this.#isEnded) throw closedError()
      const encoded = encodeValues(args, limits)
      if (encoded.text.length > limits.lineBytesMax) throw tooLong(limits)
      if (encoded.functions.length >= limits.callbacksMax)
        throw new RangeError(`a call takes fewer than ${limits.callbacksMax} callbacks`)
      const isNext = this.#waiting.size === 0
      const hasRoom = isNext && this.#canSend(1 + encoded.functions.length)
      if (!hasRoom && !this.#canWait(encoded.text.length)) throw busyError()
      const deadlineMs = runtime.clock.monotonic() + timeoutMs
      const argumentCount = args.length
      const onSettled = (call: PendingCall) => this.#release(call)
      const call = new PendingCall({
        method,
        encoded,
        argumentCount,
        reply,
        timeoutMs,
        deadlineMs,
        signal,
        resolve,
        reject,
        onSettled,
      })
      if (hasRoom) this.#send(call, callbacks)
      else this.#wait(call)
    })
  }

  /** Sends what waits, oldest first, as far as there is room. */
  sendWaiting(): void {
    for (const call of this.#waiting) {
      if (!this.#canSend(1 + call.encoded.functions.length)) return
      this.#leaveQueue(call)
      this.#send(call, this.#options.callbacks)
    }
  }

  end(): void {
    this.#isEnded = true
    this.#deadlines.cancel()
    for (const call of [...this.#waiting]) call.end()
  }

  #canSend(callbackCount: number): boolean {
    if (this.#isEnded || this.#methods === undefined || this.#options.writer.isBlocked) return false
    return this.#inFlight < this.#options.limits.inFlightMax && this.#options.callbacks.hasRoomFor(callbackCount)
  }

  #canWait(byteCount: number): boolean {
    const { waitingCallsMax, waitingBytesMax } = this.#options.limits
    return this.#waiting.size < waitingCallsMax && this.#waitingBytes + byteCount <= waitingBytesMax
  }

  #wait(call: PendingCall): void {
    this.#waiting.add(call)
    this.#waitingBytes += call.encoded.text.length
    this.#deadlines.watch(call.deadlineMs)
  }

  #leaveQueue(call: PendingCall): boolean {
    if (!this.#waiting.delete(call)) return false
    this.#waitingBytes -= call.encoded.text.length
    return true
  }

  #send(call: PendingCall, callbacks: LocalCallbacks): void {
    const methodId = this.#methods?.get(call.method)
    if (methodId === undefined) {
      call.fail(noMethodError(call.method))
      return
    }
    const { text, functions } = call.encoded
    const registered = registerFunctions(functions, this.#userCallbacks)
    let argumentsText = text
    let callbacksText = registered.text
    if (call.wantsReply) {
      const id = callbacks.add(call)
      call.id = id
      this.#inFlight++
      const entry = argumentCallbackEntry(id, call.argumentCount)
      callbacksText = callbacksText === '' ? entry : `${callbacksText},${entry}`
      argumentsText = `${text.slice(0, -1)}${call.argumentCount > 0 ? ',' : ''}"${FUNCTION_PLACEHOLDER}"]`
    }
    const line = requestLine(methodId, argumentsText, callbacksText)
    if (line.length > this.#options.limits.lineBytesMax) {
      registered.undo()
      call.fail(tooLong(this.#options.limits))
      return
    }
    this.#options.writer.write(line)
    if (!call.wantsReply) call.succeed(undefined)
  }

  #release(call: PendingCall): void {
    if (this.#leaveQueue(call) || call.id === undefined) return
    this.#options.callbacks.take(call.id)
    call.id = undefined
    this.#inFlight--
    if (this.#waiting.size > 0) this.sendWaiting()
  }
}

function tooLong({ lineBytesMax }: RpcLimits): RangeError {
  return new RangeError(`a call takes at most ${lineBytesMax} bytes as JSON`)
}

function checkCall(method: unknown, args: unknown, options: CallOptions): void {
  if (typeof method !== 'string') throw new TypeError('a method is called by its name, a string')
  if (!Array.isArray(args)) throw new TypeError('args is an array')
  for (const name of Object.keys(options)) if (!CALL_OPTIONS.has(name)) throw new TypeError(`a call has no option named ${name}`)
  const { timeoutMs, reply } = options
  if (timeoutMs !== undefined && !(timeoutMs > 0 && Number.isFinite(timeoutMs)))
    throw new RangeError('timeoutMs is a number above 0')
  if (reply !== undefined && !REPLIES.has(reply)) throw new TypeError("reply is 'error-first', 'result' or 'none'")
}
