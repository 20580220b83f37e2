// Over 300 lines: every way in which a session begins, changes its state and ends stands before one pair of eyes.
import { type CloseReason, FINISHED, type Runtime, Scope, type SwarmError } from '@resilient-swarm/contract'
import { CLOSE_CODE_MAX, CLOSE_CODES } from './close-codes.ts'
import { DataFlow } from './data-flow.ts'
import { Delivery } from './delivery.ts'
import { ProtocolViolation, protocolError, sessionErrors } from './errors.ts'
import { decodeFrame, encodeFrame, type Frame, TAG_BYTES } from './frame.ts'
import {
  CLOSE_TIMEOUT_MS,
  FRAME_BYTES_MAX,
  HEADER_BYTES_MAX,
  parseLimits,
  RETIRE_TIMEOUT_MS,
  type SessionLimits,
} from './limits.ts'
import type {
  AcceptPathOptions,
  AddPathOptions,
  Session,
  SessionOptions,
  SessionPath,
  SessionPathEvent,
  SessionState,
} from './options.ts'
import { PathEntry } from './path-entry.ts'
import { PathSet } from './path-set.ts'
import type { LivePath } from './session-path.ts'

/** A session without a path yet: add those that were dialled, accept those that the peer dialled. */
export function createSession(options: SessionOptions): Session {
  for (const name of Object.keys(options)) {
    if (name !== 'runtime' && name !== 'limits') throw new TypeError(`${name} is not an option of createSession`)
  }
  return new PathsSession(options)
}

class PathsSession implements Session {
  readonly maxMessageBytes = FRAME_BYTES_MAX - HEADER_BYTES_MAX
  readonly headroomBytes = HEADER_BYTES_MAX
  readonly tag: Uint8Array
  onDrain: () => void = () => {}
  onState: (state: SessionState) => void = () => {}
  onPath: (event: SessionPathEvent) => void = () => {}
  readonly #runtime: Runtime
  readonly #limits: SessionLimits
  readonly #scope = new Scope()
  readonly #paths: PathSet
  readonly #flow: DataFlow
  readonly #delivery: Delivery
  readonly #entry: PathEntry
  #state: SessionState = 'connecting'
  #closing: CloseReason | undefined
  #hasPeerClosed = false
  #reconnecting: { cancel(): void } | undefined

  constructor({ runtime, limits }: SessionOptions) {
    this.#runtime = runtime
    this.#limits = parseLimits(limits)
    this.tag = runtime.random.bytes(TAG_BYTES)
    this.#delivery = new Delivery(this.#limits)
    this.#paths = new PathSet({
      runtime,
      pathsMax: this.#limits.pathsMax,
      port: {
        onMessage: (path, message) => this.#guard(() => this.#receive(path, message)),
        onDrain: (path) => this.#flow.pathDrained(path),
        onRetire: (path) => this.#retire(path),
        onLost: (path) => this.#flow.pathLost(path),
        onRoute: () => this.#rerouted(),
        onEvent: (event) => this.onPath(event),
      },
    })
    this.#flow = new DataFlow({
      clock: runtime.clock,
      paths: this.#paths,
      limits: this.#limits,
      port: {
        onMessage: (message) => this.#guard(() => this.#deliver(message)),
        onClose: (code) => this.#peerClosed(code),
        onAcknowledged: () => this.#acknowledged(),
        onDrain: () => this.onDrain(),
      },
    })
    this.#entry = new PathEntry({
      tag: this.tag,
      runtime,
      paths: this.#paths,
      port: {
        received: () => this.#flow.nextSeq,
        onEntry: (path, hello) => {
          this.#guard(() => {
            this.#flow.acknowledge({ ack: hello.received, nowMs: runtime.clock.monotonic(), isGreeting: true })
            this.#paths.add(path, hello)
          })
        },
        onViolation: (violation) => this.#breakOff(violation),
        onUnknown: () => this.#unknown(),
      },
    })
  }

  get peerTag(): Uint8Array | undefined {
    return this.#entry.peerTag
  }

  get state(): SessionState {
    return this.#state
  }

  get paths(): readonly SessionPath[] {
    return this.#paths.live
  }

  get sendingPath(): SessionPath | undefined {
    return this.#paths.sending
  }

  get keptBytes(): number {
    return this.#flow.keptBytes
  }

  get closed(): Promise<CloseReason> {
    return this.#delivery.closed
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#delivery.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#delivery.receive = receive
  }

  send(message: Uint8Array, freeBytesBefore = 0): boolean {
    if (message.byteLength > this.maxMessageBytes) {
      throw new RangeError(`a message is at most ${this.maxMessageBytes} bytes, this one has ${message.byteLength}`)
    }
    if (this.#hasEnded || this.#closing) return false
    const hasRoom = this.#flow.send(message, freeBytesBefore)
    if (this.#flow.isOverfull) this.abort(sessionErrors.overflow())
    return hasRoom && !this.#hasEnded
  }

  close(reason: CloseReason = FINISHED): void {
    const { code } = reason
    if (!Number.isInteger(code) || code < 0 || code > CLOSE_CODE_MAX) {
      throw new RangeError(`reason.code must be an integer from 0 to ${CLOSE_CODE_MAX}`)
    }
    if (this.#hasEnded || this.#closing) return
    this.#closing = { ...reason, by: 'us' }
    if (this.#state === 'connecting' && this.#flow.isFlushed) {
      this.#end(this.#closing, CLOSE_CODES.finished)
      return
    }
    this.#flow.sendClose(code)
    this.#awaitFlush()
  }

  abort(error: SwarmError): void {
    const reason: CloseReason = { by: 'us', code: CLOSE_CODES.aborted, error }
    if (this.#hasEnded) this.#delivery.end(reason)
    else this.#end(reason, CLOSE_CODES.aborted)
  }

  giveUp(error: SwarmError): void {
    this.#end({ by: 'us', code: CLOSE_CODES.lost, error }, CLOSE_CODES.lost)
  }

  setInUse(inUse: boolean): void {
    this.#paths.setInUse(inUse)
  }

  // Paths

  addPath(options: AddPathOptions): Promise<SessionPath> {
    return this.#entry.add(options)
  }

  acceptPath(options: AcceptPathOptions): SessionPath {
    return this.#entry.accept(options)
  }

  #retire(path: LivePath): void {
    this.#paths.drain(path, 'us')
    if (this.#flow.outstandingOn(path) === 0) path.close()
    else this.#scope.timer(this.#runtime.clock, RETIRE_TIMEOUT_MS, () => path.close())
  }

  // What the peer sends

  #receive(path: LivePath, message: Uint8Array): void {
    if (this.#hasEnded) return
    const nowMs = this.#runtime.clock.monotonic()
    path.state.heard(nowMs)
    this.#onFrame(path, decodeFrame(message), nowMs)
  }

  #onFrame(path: LivePath, frame: Frame, nowMs: number): void {
    switch (frame.type) {
      case 'data':
        this.#flow.acknowledge({ ack: frame.ack, nowMs })
        if (!this.#hasEnded) this.#flow.receive({ path, seq: frame.seq, item: frame.bytes, nowMs })
        break
      case 'ack':
        this.#flow.acknowledge({ ack: frame.ack, nowMs })
        break
      case 'ping':
        path.pong(frame.id)
        break
      case 'pong':
        this.#paths.ponged(path, frame.id, nowMs)
        break
      case 'drain':
        if (!path.isDraining) this.#paths.drain(path, 'peer')
        break
      case 'close':
        this.#flow.receive({ path, seq: frame.seq, item: { code: frame.code }, nowMs })
        break
      case 'abort':
        this.#end({ by: 'peer', code: frame.code, error: sessionErrors.aborted(frame.code) }, CLOSE_CODES.finished)
        break
      case 'hello':
        throw new ProtocolViolation(CLOSE_CODES.helloInvalid, 'a second HELLO on a path')
    }
  }

  #deliver(message: Uint8Array): void {
    if (this.#delivery.push(message)) return
    const text = `over ${this.#limits.unheardBytesMax} bytes came before anybody listened`
    throw new ProtocolViolation(CLOSE_CODES.unheard, text)
  }

  #acknowledged(): void {
    for (const path of this.#paths.live) if (path.isRetired && this.#flow.outstandingOn(path) === 0) path.close()
    if (this.#closing && this.#flow.isFlushed) this.#end(this.#closing, CLOSE_CODES.finished)
  }

  /** Paths came or went. */
  #rerouted(): void {
    this.#flow.rerouted()
    if (this.#hasEnded) return
    const isConnected = this.#paths.live.length > 0
    if (isConnected) this.#enter('connected')
    else if (this.#closing && this.#hasPeerClosed) this.#end(this.#closing, CLOSE_CODES.finished)
    else this.#enter(this.peerTag ? 'reconnecting' : 'connecting')
  }

  #enter(state: SessionState): void {
    if (this.#state === state) return
    this.#state = state
    this.#reconnecting?.cancel()
    this.#reconnecting = undefined
    if (state === 'reconnecting') {
      const timeoutMs = this.#limits.reconnectTimeoutMs
      this.#reconnecting = this.#scope.timer(this.#runtime.clock, timeoutMs, () => {
        this.#end({ by: 'us', code: CLOSE_CODES.lost, error: sessionErrors.noPath(timeoutMs) }, CLOSE_CODES.finished)
      })
    }
    this.onState(state)
  }

  // Ends

  get #hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Ends `close` after a time without progress; a peer that takes what was sent is waited for. */
  #awaitFlush(): void {
    const { keptBytes } = this.#flow
    this.#scope.timer(this.#runtime.clock, CLOSE_TIMEOUT_MS, () => {
      if (this.#flow.keptBytes < keptBytes) {
        this.#awaitFlush()
        return
      }
      const error = sessionErrors.unconfirmed()
      this.#end({ ...(this.#closing as CloseReason), error }, CLOSE_CODES.aborted)
    })
  }

  #unknown(): SwarmError {
    const error = sessionErrors.unknown()
    this.#end({ by: 'peer', code: CLOSE_CODES.unknownSession, error }, CLOSE_CODES.unknownSession)
    return error
  }

  #peerClosed(code: number): void {
    this.#hasPeerClosed = true
    this.#flow.acknowledgeEverywhere()
    if (!this.#closing) this.#end({ by: 'peer', code }, CLOSE_CODES.finished)
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      this.#breakOff(error)
    }
  }

  #breakOff(violation: ProtocolViolation): SwarmError {
    const { closeCode } = violation
    const error = protocolError(violation)
    this.#runtime.log.warn(error.message, { closeCode })
    this.#end({ by: 'us', code: closeCode, error }, closeCode)
    return error
  }

  /** Closes every path with `pathCode`; when that is not 0 and the end is ours, ABORT tells it to the peer before. */
  #end(reason: CloseReason, pathCode: number): void {
    if (this.#hasEnded) return
    this.#state = 'ended'
    void this.#scope.close()
    const isAbort = reason.by === 'us' && pathCode !== CLOSE_CODES.finished
    const abort = encodeFrame({ type: 'abort', code: pathCode })
    this.#paths.stop((path) => {
      if (isAbort) path.send(abort)
      path.end({ by: 'us', code: pathCode })
    })
    this.#entry.stop(reason.error)
    this.#flow.stop()
    this.#delivery.end(reason)
    this.onState('ended')
  }
}
