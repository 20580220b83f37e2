import type { Clock, RawSubstream, SubstreamEnd, SwarmError } from '@resilient-swarm/contract'
import { encodeCredit, type PeerBuffers, ReceiveWindow } from './credit.ts'
import { Delivery } from './delivery.ts'
import { closedError, RESET_CODES, resetError } from './errors.ts'
import { FLAGS, smallVarintLength, writeHeader } from './frame.ts'
import { INITIAL_CREDIT_BYTES, WRITE_HIGH_WATER_BYTES, WRITE_LOW_WATER_BYTES, WRITE_QUEUE_BYTES_MAX } from './limits.ts'
import { type Rank, rankOf, type Sender } from './outbox.ts'
import { SendQueue } from './send-queue.ts'

/** The multiplexer, as its substreams see it. */
export interface SubstreamPort {
  readonly buffers: PeerBuffers
  readonly clock: Clock
  readonly flowControl: boolean
  wake(core: SubstreamCore): void
  creditDue(core: SubstreamCore): void
  sendReset(core: SubstreamCore): void
  /** Nothing more will come from it; its id is free for late frames. */
  forget(core: SubstreamCore, outstandingBytes: number): void
}

export interface SubstreamCoreOptions {
  readonly id: number
  readonly type: string
  readonly openedBy: 'us' | 'peer'
  readonly port: SubstreamPort
}

/** One substream without WHATWG streams around it: both directions, their credit and how they end. */
export class SubstreamCore implements RawSubstream, Sender {
  readonly id: number
  readonly type: string
  readonly openedBy: 'us' | 'peer'
  readonly rank: Rank
  readonly closed: Promise<SubstreamEnd>
  inLine = false
  creditDue = false
  onDrain: () => void = nothing
  /** Writing, or reading, has failed, see `writeLost` and `readLost`; called at most once each. */
  onWriteLost: () => void = nothing
  onReadLost: () => void = nothing
  /** Everything written and the end of it was given to the channel. */
  onEndSent: () => void = nothing
  readonly #port: SubstreamPort
  readonly #window: ReceiveWindow
  readonly #outgoing = new SendQueue()
  readonly #messageHeader: number
  readonly #closeHeader: number
  #sendCreditBytes: number
  #grantBytes = 0
  #wantsDrain = false
  #endRequested = false
  #endSent = false
  readonly #incoming = new Delivery((error) => this.#threw(error))
  #end: SubstreamEnd | undefined
  #gone = false
  /** Why; made into an error only for who asks, as a peer may cause thousands of resets a second. */
  #writeLost: (() => SwarmError) | undefined
  #readLost: (() => SwarmError) | undefined
  #resolveClosed: (end: SubstreamEnd) => void = nothing

  constructor({ id, type, openedBy, port }: SubstreamCoreOptions) {
    this.id = id
    this.type = type
    this.openedBy = openedBy
    this.rank = rankOf(type)
    this.#port = port
    this.#window = new ReceiveWindow(port)
    this.#sendCreditBytes = port.flowControl ? INITIAL_CREDIT_BYTES : Number.POSITIVE_INFINITY
    this.#messageHeader = id * 8 + (openedBy === 'us' ? FLAGS.messageInitiator : FLAGS.messageReceiver)
    this.#closeHeader = id * 8 + (openedBy === 'us' ? FLAGS.closeInitiator : FLAGS.closeReceiver)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  // Writing

  get queuedBytes(): number {
    return this.#outgoing.bytes
  }

  get sendableBytes(): number {
    return Math.min(this.#outgoing.bytes, this.#sendCreditBytes)
  }

  get hasTurn(): boolean {
    if (this.#end || this.#gone) return false
    if (this.#outgoing.bytes > 0) return this.#sendCreditBytes > 0
    return this.#endRequested && !this.#endSent
  }

  write(bytes: Uint8Array): boolean {
    if (this.#end || this.#endRequested) return false
    if (bytes.byteLength > 0) {
      if (this.#outgoing.bytes >= WRITE_QUEUE_BYTES_MAX) {
        throw new RangeError(`${WRITE_QUEUE_BYTES_MAX} bytes wait already: when write says false, wait for onDrain`)
      }
      this.#outgoing.push(bytes)
      this.#port.wake(this)
    }
    if (this.#outgoing.bytes > WRITE_HIGH_WATER_BYTES) this.#wantsDrain = true
    return !this.#wantsDrain
  }

  get writeLost(): SwarmError | undefined {
    return this.#writeLost?.()
  }

  /** Copies what is left of the newest write, so that its buffer is the writer's again. */
  ownLastWrite(): void {
    this.#outgoing.ownLast()
  }

  end(): void {
    if (this.#endRequested || this.#end) return
    this.#endRequested = true
    this.#port.wake(this)
  }

  /** The peer lets us send more. False: more than anybody may gather. */
  addCredit(byteCount: number, max: number): boolean {
    if (this.#sendCreditBytes + byteCount > max) return false
    this.#sendCreditBytes += byteCount
    this.#port.wake(this)
    return true
  }

  writeFrames(target: Uint8Array, position: number): number {
    if (!this.hasTurn) return position
    let at = position
    const headerBytes = smallVarintLength(this.#messageHeader)
    const room = target.byteLength - position - headerBytes - 2 // a message is at most 16 KiB: its length takes two bytes
    const count = Math.min(this.sendableBytes, room)
    if (count > 0) {
      at = this.#outgoing.moveTo(target, writeHeader(target, at, this.#messageHeader, count), count)
      this.#sendCreditBytes -= count
    }
    if (this.#outgoing.bytes === 0 && this.#endRequested && target.byteLength - at > headerBytes) {
      at = writeHeader(target, at, this.#closeHeader, 0)
      this.#endSent = true
    }
    return at
  }

  afterTurn(): void {
    if (this.#wantsDrain && this.#outgoing.bytes <= WRITE_LOW_WATER_BYTES) {
      this.#wantsDrain = false
      this.#call(this.onDrain)
    }
    if (this.#endSent && !this.#end) {
      this.#call(this.onEndSent)
      this.#settleIfFinished()
    }
  }

  takeCreditFrame(): Uint8Array | undefined {
    const bytes = this.#grantBytes
    this.#grantBytes = 0
    if (bytes === 0 || this.#gone || this.#incoming.hasEnded) return undefined
    return encodeCredit({ id: this.id, bytes, fromInitiator: this.openedBy === 'us' })
  }

  // Reading

  get hasPeerEnded(): boolean {
    return this.#incoming.hasEnded
  }

  get readLost(): SwarmError | undefined {
    return this.#readLost?.()
  }

  get unreadBytes(): number {
    return this.#window.unreadBytes
  }

  get onBytes(): (bytes: Uint8Array) => void {
    return this.#incoming.onBytes
  }

  set onBytes(onBytes: (bytes: Uint8Array) => void) {
    this.#incoming.onBytes = onBytes
  }

  get onEnd(): () => void {
    return this.#incoming.onEnd
  }

  set onEnd(onEnd: () => void) {
    this.#incoming.onEnd = onEnd
  }

  consume(byteCount: number): void {
    if (this.#gone) return
    if (!(byteCount >= 0 && byteCount <= this.#incoming.unconsumedBytes)) {
      throw new RangeError(`byteCount must be 0 to ${this.#incoming.unconsumedBytes}, what was delivered and not consumed`)
    }
    this.#incoming.unconsumedBytes -= byteCount
    const grant = this.#window.consume(byteCount)
    if (grant > 0 && !this.#incoming.hasEnded && !this.#end) {
      this.#grantBytes += grant
      this.#port.creditDue(this)
    }
    if (this.#end && this.#window.unreadBytes === 0) this.#leave()
  }

  /** Data from the peer. False: beyond its credit. */
  receive(bytes: Uint8Array): boolean {
    if (!this.#window.receive(bytes.byteLength)) return false
    this.#incoming.push(bytes)
    return true
  }

  peerEnded(): void {
    this.#incoming.end()
    this.#settleIfFinished()
  }

  // Ends

  reset(code: number = RESET_CODES.unspecified): void {
    if (!Number.isSafeInteger(code) || code < 0) throw new RangeError('code must be a non-negative integer')
    if (this.#gone) return
    if (!this.#end) this.#port.sendReset(this)
    this.#drop({ kind: 'reset', by: 'us', code }, () => resetError('us', code))
  }

  peerReset(): void {
    if (this.#end) return // both ends came before: what is unread stays readable
    this.#drop({ kind: 'reset', by: 'peer', code: RESET_CODES.unspecified }, () => resetError('peer', RESET_CODES.unspecified))
  }

  /** The session ended. What the peer had sent whole, up to its end, can still be read. */
  sessionEnded(by: 'us' | 'peer', cause: SwarmError | undefined): void {
    if (this.#gone || this.#end) return
    const end: SubstreamEnd = { kind: 'reset', by, code: RESET_CODES.sessionEnded }
    const error = () => closedError(cause)
    if (!this.#incoming.hasEnded) {
      this.#drop(end, error)
      return
    }
    this.#settle(end)
    this.#outgoing.clear()
    this.#writeLost = error
    this.#call(this.onWriteLost)
    if (this.#window.unreadBytes === 0) this.#leave()
  }

  #settleIfFinished(): void {
    if (!this.#incoming.hasEnded || !this.#endSent || this.#end || this.#gone) return
    this.#settle({ kind: 'finished' })
    if (this.#window.unreadBytes === 0) this.#leave()
  }

  #settle(end: SubstreamEnd): void {
    if (this.#end) return
    this.#end = end
    this.#resolveClosed(end)
  }

  #drop(end: SubstreamEnd, error: () => SwarmError): void {
    if (this.#gone) return
    this.#settle(end)
    this.#incoming.drop()
    this.#outgoing.clear()
    this.#leave()
    this.#readLost = error
    this.#call(this.onReadLost)
    if (this.#writeLost) return
    this.#writeLost = error
    this.#call(this.onWriteLost)
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    const outstandingBytes = this.#incoming.hasEnded ? 0 : this.#window.outstandingBytes
    this.#window.release()
    this.#port.forget(this, outstandingBytes)
  }

  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#threw(error)
    }
  }

  /** A listener that throws loses its own substream; the error is not swallowed, and the others' frames go on. */
  #threw(error: unknown): void {
    queueMicrotask(() => {
      throw error
    })
    this.reset(RESET_CODES.listenerThrew)
  }
}

function nothing(): void {}
