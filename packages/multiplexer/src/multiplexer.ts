import {
  type Channel,
  type CloseReason,
  decodeUtf8,
  type Runtime,
  type Substream,
  SwarmError,
  utf8,
} from '@resilient-swarm/contract'
import { decodeCredit, PeerBuffers } from './credit.ts'
import { CLOSE_CODES, closedError, type MultiplexerErrorCode, ProtocolViolation, protocolError, RESET_CODES } from './errors.ts'
import { encodeFrame, FLAGS, type Flag, FrameDecoder } from './frame.ts'
import * as limits from './limits.ts'
import { type MultiplexerLimits, parseLimits } from './limits.ts'
import { checkOptions, type Multiplexer, type MultiplexerOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { SubstreamCore, type SubstreamPort } from './substream.ts'
import { SubstreamTable } from './substream-table.ts'
import { LateFrames, OpenRate } from './tolerance.ts'
import { createSubstream } from './web-streams.ts'

/** Takes the channel over; a TypeError or RangeError for options that cannot be. */
export function createMultiplexer(options: MultiplexerOptions): Multiplexer {
  checkOptions(options)
  return new ChannelMultiplexer(options)
}

class ChannelMultiplexer implements Multiplexer, SubstreamPort {
  readonly closed: Promise<CloseReason>
  readonly buffers: PeerBuffers
  readonly clock: Runtime['clock']
  readonly flowControl: boolean
  readonly #options: MultiplexerOptions
  readonly #limits: MultiplexerLimits
  readonly #channel: Channel
  readonly #outbox: Outbox
  readonly #decoder: FrameDecoder
  readonly #late: LateFrames
  readonly #openRate: OpenRate
  readonly #table = new SubstreamTable()
  readonly #arrived: Uint8Array[] = []
  #state: 'open' | 'closing' | 'ended' = 'open'
  #cancelFlush: () => void = () => {}
  #resolveClosed: (reason: CloseReason) => void = () => {}

  constructor(options: MultiplexerOptions) {
    this.#options = options
    this.#limits = parseLimits(options.limits)
    this.#channel = options.channel
    this.clock = options.runtime.clock
    this.flowControl = options.flowControl ?? true
    this.buffers = new PeerBuffers({ bytesMax: this.#limits.bufferedBytesMax, node: options.nodeBuffers })
    options.nodeBuffers?.add(this.buffers, () => this.#laziest().reset(RESET_CODES.buffersFull))
    this.#outbox = new Outbox(this.#channel)
    this.#late = new LateFrames({ flowControl: this.flowControl })
    this.#openRate = new OpenRate(this.clock)
    this.#decoder = new FrameDecoder({ spanning: !this.flowControl, onFrame: (flag, id, data) => this.#onFrame(flag, id, data) })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#channel.onDrain = () => this.#outbox.drained()
    // A microtask later: messages that wait already must not call onSubstream before the caller has its multiplexer.
    queueMicrotask(() => {
      this.#channel.onMessage = (message) => this.#onMessage(message)
    })
    void this.#channel.closed.then((reason) => this.#end(reason))
  }

  openSubstream(type: string): Substream {
    const bytes = utf8(type)
    if (bytes.byteLength < 1 || bytes.byteLength > limits.TYPE_BYTES_MAX || decodeUtf8(bytes) !== type) {
      throw new RangeError(`type must be well-formed text of 1 to ${limits.TYPE_BYTES_MAX} bytes of UTF-8`)
    }
    if (this.#state !== 'open') throw closedError()
    if (this.#table.oursCount >= this.#limits.substreamsOutMax || this.#table.nextOurId > limits.SUBSTREAM_ID_MAX) {
      throw new SwarmError<MultiplexerErrorCode>(
        `${this.#table.oursCount} substreams to this peer are open: end one before you open the next.`,
        { code: 'ERR_SUBSTREAM_LIMIT', retryable: true },
      )
    }
    const id = this.#table.takeOurId()
    this.#control(encodeFrame({ flag: FLAGS.newStream, id, data: bytes }))
    if (this.#hasEnded) throw closedError() // by a flood of control frames, just now
    return this.#add(new SubstreamCore({ id, type, openedBy: 'us', port: this }))
  }

  get #hasEnded(): boolean {
    return this.#state === 'ended'
  }

  get substreams(): readonly Substream[] {
    return this.#table.substreams
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    if (this.#isFlushed()) {
      this.#closeChannel()
      return
    }
    const timer = this.clock.setTimer(limits.CLOSE_FLUSH_MS, () => this.#closeChannel())
    this.#cancelFlush = () => timer.cancel()
    this.#outbox.onIdle = () => {
      if (this.#isFlushed()) this.#closeChannel()
    }
  }

  abort(error: SwarmError): void {
    if (this.#state === 'ended') return
    this.#channel.abort(error)
    this.#end({ by: 'us', code: 1, error })
  }

  // What substreams ask for

  wake(core: SubstreamCore): void {
    this.#outbox.wake(core)
  }

  creditDue(core: SubstreamCore): void {
    this.#outbox.credit(core)
  }

  sendReset(core: SubstreamCore): void {
    const flag = core.openedBy === 'us' ? FLAGS.resetInitiator : FLAGS.resetReceiver
    this.#control(encodeFrame({ flag, id: core.id }))
  }

  forget(core: SubstreamCore, outstandingBytes: number): void {
    this.#table.delete(core)
    this.#late.allow(outstandingBytes)
  }

  #add(core: SubstreamCore): Substream {
    const substream = createSubstream(core)
    this.#table.add(core, substream)
    return substream
  }

  // What the peer sends

  #onMessage(message: Uint8Array): void {
    // A listener's answer may bring the next message before this one is read to its end.
    if (this.#state === 'ended' || this.#arrived.push(message) > 1) return
    try {
      for (let next: Uint8Array | undefined = message; next && !this.#hasEnded; next = this.#arrived[0]) {
        this.#decoder.push(next)
        this.#arrived.shift()
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      this.#breakOff(error)
    } finally {
      this.#arrived.length = 0
    }
  }

  #onFrame(flag: Flag, id: number, data: Uint8Array): void {
    if (this.#state === 'ended') return
    switch (flag) {
      case FLAGS.newStream:
        this.#onOpen(id, data)
        break
      case FLAGS.credit:
        this.#onCredit(id, data)
        break
      case FLAGS.messageInitiator:
      case FLAGS.messageReceiver: {
        const core = this.#find(flag, id)
        if (core) this.#onData(core, data)
        else this.#late.take(data.byteLength)
        break
      }
      case FLAGS.closeInitiator:
      case FLAGS.closeReceiver: {
        const core = this.#find(flag, id)
        if (!core) this.#late.take(0)
        else if (core.hasPeerEnded) this.#afterEnd(core)
        else core.peerEnded()
        break
      }
      case FLAGS.resetInitiator:
      case FLAGS.resetReceiver: {
        const core = this.#find(flag, id)
        if (core) core.peerReset()
        else this.#late.take(0)
      }
    }
  }

  /** Even flags come from the side that opened the substream. Undefined: it ended already. */
  #find(flag: Flag, id: number): SubstreamCore | undefined {
    return this.#table.find(id, (flag & 1) === 0 ? 'peer' : 'us')
  }

  #onOpen(id: number, data: Uint8Array): void {
    this.#table.takeTheirId(id, { growing: this.flowControl })
    const type = decodeUtf8(data)
    if (type === undefined || (type === '' && this.flowControl)) {
      throw new ProtocolViolation(CLOSE_CODES.typeInvalid, 'a type is not well-formed UTF-8 of at least one byte')
    }
    const hasRoom = this.#state === 'open' && this.#table.theirsCount < this.#limits.substreamsInMax
    if (!this.#openRate.accepts({ hasRoom })) {
      this.#late.allow(limits.INITIAL_CREDIT_BYTES)
      this.#control(encodeFrame({ flag: FLAGS.resetReceiver, id }))
      return
    }
    const core = new SubstreamCore({ id, type, openedBy: 'peer', port: this })
    const substream = this.#add(core)
    try {
      this.#options.onSubstream(substream)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
      core.reset(RESET_CODES.listenerThrew)
    }
  }

  #onCredit(id: number, data: Uint8Array): void {
    if (!this.flowControl) throw new ProtocolViolation(CLOSE_CODES.frameMalformed, 'flag 7 is not a flag of plain mplex')
    const { bytes, fromInitiator } = decodeCredit(data)
    const core = this.#table.find(id, fromInitiator ? 'peer' : 'us')
    if (!core) this.#late.take(0)
    else if (!core.addCredit(bytes, limits.SEND_CREDIT_BYTES_MAX)) {
      throw new ProtocolViolation(CLOSE_CODES.creditInvalid, 'more credit than a substream may gather')
    }
  }

  #onData(core: SubstreamCore, data: Uint8Array): void {
    if (core.hasPeerEnded) {
      this.#afterEnd(core)
      return
    }
    if (data.byteLength === 0) return
    if (!core.receive(data)) throw new ProtocolViolation(CLOSE_CODES.creditExceeded, 'data beyond the credit that was given')
    while (this.buffers.unreadBytes > this.buffers.bytesMax) this.#laziest().reset(RESET_CODES.buffersFull)
    this.#options.nodeBuffers?.relieve()
  }

  #afterEnd(core: SubstreamCore): void {
    if (this.flowControl) throw new ProtocolViolation(CLOSE_CODES.frameAfterEnd, 'data or an end after the end of a substream')
    core.reset(RESET_CODES.channelProtocol)
  }

  /** Whose reader has left most unread. Only this peer's substreams count, so nobody can get another's reset by filling their own. */
  #laziest(): SubstreamCore {
    return this.#table.cores.reduce((one, other) => (other.unreadBytes > one.unreadBytes ? other : one))
  }

  // Ends

  #control(frame: Uint8Array): void {
    if (this.#outbox.control(frame)) return
    this.#breakOff(
      new ProtocolViolation(CLOSE_CODES.controlFlood, 'too many opens and resets wait for a peer that does not read'),
    )
  }

  #isFlushed(): boolean {
    return this.#outbox.isIdle && this.#table.cores.every((core) => core.queuedBytes === 0)
  }

  #closeChannel(): void {
    this.#cancelFlush()
    this.#outbox.onIdle = () => {}
    this.#channel.close()
  }

  #breakOff(violation: ProtocolViolation): void {
    const error = protocolError(violation)
    this.#options.runtime.log.warn(error.message, { role: this.#options.role, closeCode: violation.closeCode })
    this.#end({ by: 'us', code: violation.closeCode, error })
    this.#channel.close({ by: 'us', code: violation.closeCode, error }) // not abort, which has no room for the number
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#cancelFlush()
    this.#outbox.stop()
    this.#options.nodeBuffers?.delete(this.buffers)
    for (const core of this.#table.cores) core.sessionEnded(reason.by, reason.error)
    this.#resolveClosed(reason)
  }
}
