import type { CloseReason, Runtime, Substream, SubstreamEnd, Timer } from '@resilient-swarm/contract'
import { CLOSE_CODES, describeViolation, type Violation } from './close-codes.ts'
import { callbackEntry, requestLine, toAscii, type UserFunction } from './encode.ts'
import { type DnodeLine, FUNCTION_PLACEHOLDER, isForbiddenKey, isId, parseLine } from './guard.ts'
import { InboundCalls, type OfferedMethod } from './inbound-calls.ts'
import { RPC_LIMITS, type RpcLimits } from './limits.ts'
import { LineSplitter, LineWriter } from './lines.ts'
import { LocalCallbacks } from './local-callbacks.ts'
import { type CallOptions, OutboundCalls } from './outbound-calls.ts'
import type { ReplyConvention } from './pending-call.ts'
import { createRemote, type Methods, type RemoteMethods } from './remote.ts'
import { closedError, protocolError } from './rpc-error.ts'

/** The substream to speak on, and what the peer may call. */
export interface RpcSessionOptions {
  /** Taken over: nobody else reads or writes it. */
  readonly substream: Substream
  /** What the peer may call. Made for each session, so that they know by closure who calls. */
  readonly methods: Methods
  readonly runtime: Runtime
  /** How the peer's methods answer; `error-first` by default. A call may say otherwise. */
  readonly reply?: ReplyConvention | undefined
  /** Whether used reply callbacks are given back, for a plain dnode peer's memory; true by default. */
  readonly cull?: boolean | undefined
  readonly limits?: Partial<RpcLimits> | undefined
}

/** Calls both ways over one substream, until either side ends it. */
export interface RpcSession<R> {
  /** `await remote.sum(1, 2)`. A rejection is a SwarmError; a TypeError or RangeError tells of arguments that cannot travel. */
  readonly remote: RemoteMethods<R>
  call(method: string, args: unknown[], options?: CallOptions): Promise<unknown>
  /** The peer's methods are known. Calls made before wait for it; rejects with ERR_RPC_CLOSED when the session ends first. */
  readonly ready: Promise<void>
  readonly closed: Promise<CloseReason>
  /** Our calls in flight, and our callbacks that the peer may call. */
  readonly load: { readonly calls: number; readonly callbacks: number }
  /** Fails the calls in flight with ERR_RPC_CLOSED, sends what was answered already, then ends; idempotent. */
  close(): void
}

const RESERVED: ReadonlySet<string> = new Set(['methods', 'cull', 'then'])
const OPTIONS: ReadonlySet<string> = new Set(['substream', 'methods', 'runtime', 'reply', 'cull', 'limits'])

/** dnode over a substream: offers `methods` to the peer and calls the peer's. */
export function createRpcSession<R = Record<string, (...args: unknown[]) => unknown>>(options: RpcSessionOptions): RpcSession<R> {
  return new DnodeSession<R>(options)
}

class DnodeSession<R> implements RpcSession<R> {
  readonly remote: RemoteMethods<R>
  readonly ready: Promise<void>
  readonly closed: Promise<CloseReason>
  readonly #raw: ReturnType<Substream['raw']>
  readonly #runtime: Runtime
  readonly #limits: RpcLimits
  readonly #offered: readonly OfferedMethod[]
  readonly #offeredByName: ReadonlyMap<string, OfferedMethod>
  readonly #splitter: LineSplitter
  readonly #writer: LineWriter
  readonly #callbacks: LocalCallbacks
  readonly #outbound: OutboundCalls
  readonly #inbound: InboundCalls
  #state: 'open' | 'closing' | 'ended' = 'open'
  #closedBy: CloseReason['by'] = 'us'
  #knowsMethods = false
  #closeTimer: Timer | undefined
  #resolveReady: () => void = () => {}
  #rejectReady: (error: Error) => void = () => {}
  #resolveClosed: (reason: CloseReason) => void = () => {}

  constructor(options: RpcSessionOptions) {
    for (const name of Object.keys(options)) if (!OPTIONS.has(name)) throw new TypeError(`a session has no option named ${name}`)
    const { substream, methods, runtime, reply = 'error-first', cull = true } = options
    const limits = { ...RPC_LIMITS, ...options.limits }
    this.#runtime = runtime
    this.#limits = limits
    this.#offered = listMethods(methods, limits)
    this.#offeredByName = new Map(this.#offered.map((method) => [method.name, method]))
    const methodsText = methodsLine(this.#offered, limits)
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    this.ready.catch(() => {}) // whoever does not wait for it hears of the end from `closed`
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#splitter = new LineSplitter(limits)
    this.#raw = substream.raw()
    const writer = new LineWriter(this.#raw)
    this.#writer = writer
    const callbacks = new LocalCallbacks({
      firstId: this.#offered.length,
      callbacksMax: limits.callbacksMax,
      clock: runtime.clock,
    })
    this.#callbacks = callbacks
    this.#outbound = new OutboundCalls({ writer, callbacks, reply, limits, runtime })
    const onFree = () => this.#outbound.sendWaiting()
    const onViolation = (violation: Violation) => this.#break(violation)
    this.#inbound = new InboundCalls({ writer, callbacks, limits, runtime, cull, onViolation, onFree })
    this.remote = createRemote<R>((method, args, callOptions) => this.call(method, args, callOptions))
    writer.onWritable = onFree
    writer.write(methodsText)
    void substream.closed.then((end) => this.#onSubstreamClosed(end))
    this.#raw.onEnd = () => this.#onPeerEnd()
    this.#raw.onBytes = (bytes) => this.#onBytes(bytes)
  }

  get load(): RpcSession<R>['load'] {
    return { calls: this.#outbound.inFlight, callbacks: this.#callbacks.size }
  }

  call(method: string, args: unknown[], options?: CallOptions): Promise<unknown> {
    return this.#outbound.call(method, args, options)
  }

  close(): void {
    this.#finish('us')
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#state === 'open') {
      const violation = this.#splitter.push(bytes, (line) => this.#onLine(line))
      if (violation !== undefined) this.#break(violation)
    }
    if (this.#state !== 'ended') this.#raw.consume(bytes.byteLength)
  }

  #onLine(text: string): Violation | undefined {
    if (this.#state !== 'open') return undefined
    const line = parseLine(text, this.#limits)
    if (typeof line === 'number') return line
    const { method } = line
    if (typeof method === 'number') return this.#onNumber(method, line)
    if (method === 'methods') return this.#onMethods(line)
    if (method === 'cull') return this.#onCull(line)
    const offered = this.#offeredByName.get(method)
    if (!offered) return CLOSE_CODES.unknownMethod
    this.#inbound.run(offered, line)
    return undefined
  }

  #onNumber(id: number, line: DnodeLine): Violation | undefined {
    const offered = this.#offered[id]
    if (offered) {
      this.#inbound.run(offered, line)
      return undefined
    }
    if (!this.#callbacks.wasIssued(id)) return CLOSE_CODES.unknownCallback
    const callback = this.#callbacks.take(id)
    // Gone already: answered twice, or after its time. An honest peer may do either.
    if (!callback) return undefined
    this.#inbound.placeFunctions(line)
    callback.fire(line.arguments)
    return undefined
  }

  #onMethods({ arguments: values, references }: DnodeLine): Violation | undefined {
    if (this.#knowsMethods) return CLOSE_CODES.secondMethods
    this.#knowsMethods = true
    const methods = new Map<string, number>()
    for (const { id, path } of references) {
      // Functions deeper inside, or beside the first argument, have no name to call them by.
      if (path.length === 2 && Number(path[0]) === 0 && !Array.isArray(values[0])) methods.set(String(path[1]), id)
    }
    this.#outbound.learn(methods)
    this.#resolveReady()
    return undefined
  }

  #onCull({ arguments: ids }: DnodeLine): Violation | undefined {
    for (const id of ids) {
      if (!isId(id)) return CLOSE_CODES.badCallback
      if (!this.#callbacks.wasIssued(id)) return CLOSE_CODES.unknownCallback
      // Methods stay for the whole session, whatever the peer forgets.
      this.#callbacks.take(id)?.drop()
    }
    return undefined
  }

  #onPeerEnd(): void {
    if (this.#state === 'open' && this.#splitter.isInsideLine) this.#break(CLOSE_CODES.truncatedLine)
    else this.#finish('peer')
  }

  /** An ordinary end: ours, or our answer to the peer's. */
  #finish(by: CloseReason['by']): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#closedBy = by
    this.#endCalls()
    this.#writer.end()
    this.#closeTimer = this.#runtime.clock.setTimer(this.#limits.closeTimeoutMs, () => {
      this.#raw.reset(CLOSE_CODES.finished)
      this.#end({ by, code: CLOSE_CODES.finished })
    })
  }

  #break(violation: Violation): void {
    if (this.#state !== 'open') return
    this.#runtime.log.warn(`A peer broke the rpc protocol: ${describeViolation(violation)}.`, { code: violation })
    this.#state = 'closing'
    this.#writer.abort()
    this.#raw.reset(violation)
    this.#end({ by: 'us', code: violation, error: protocolError(violation) })
  }

  #onSubstreamClosed(end: SubstreamEnd): void {
    const by = this.#state === 'open' ? 'peer' : this.#closedBy
    if (end.kind === 'finished') this.#end({ by, code: CLOSE_CODES.finished })
    else this.#end({ by: end.by, code: end.code, error: closedError() })
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#closeTimer?.cancel()
    this.#writer.abort()
    this.#endCalls()
    this.#resolveClosed(reason)
  }

  #endCalls(): void {
    this.#inbound.end()
    this.#outbound.end()
    this.#callbacks.end()
    this.#rejectReady(closedError())
  }
}

function listMethods(methods: Methods, { methodsMax }: RpcLimits): readonly OfferedMethod[] {
  const offered = Object.entries(methods).map(([name, method]): OfferedMethod => {
    if (typeof method !== 'function') throw new TypeError(`methods.${name} is not a function`)
    if (RESERVED.has(name) || isForbiddenKey(name)) throw new TypeError(`a method cannot be named ${name}`)
    return { name, call: (...args) => Reflect.apply(method as UserFunction, methods, args) }
  })
  if (offered.length > methodsMax) throw new RangeError(`a session offers at most ${methodsMax} methods`)
  return offered
}

function methodsLine(offered: readonly OfferedMethod[], { lineBytesMax }: RpcLimits): string {
  const placeholders = Object.fromEntries(offered.map(({ name }) => [name, FUNCTION_PLACEHOLDER]))
  const entries = offered.map(({ name }, id) => callbackEntry(id, ['0', name])).join(',')
  const line = requestLine('methods', toAscii(JSON.stringify([placeholders])), entries)
  if (line.length > lineBytesMax) throw new RangeError(`the names of the methods take at most ${lineBytesMax} bytes as JSON`)
  return line
}
