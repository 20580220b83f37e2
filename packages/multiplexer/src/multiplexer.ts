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
import { Outbox } from './outbox.ts'
import { encodeOpen, SubstreamCore, type SubstreamPort } from './substream.ts'
import { LateFrames, RefusedOpens } from './tolerance.ts'
import { createSubstream } from './web-streams.ts'

export interface MultiplexerOptions {
  /** The multiplexer takes it over: its `onMessage`, `onDrain` and its end. */
  readonly channel: Channel
  /** Which side dialled. Substream ids do not depend on it; log lines do. */
  readonly role: 'initiator' | 'responder'
  readonly runtime: Runtime
  /** False: plain mplex without credit, as other implementations speak it. Default true; both sides must agree. */
  readonly flowControl?: boolean
  /** The peer opened a substream. */
  readonly onSubstream: (substream: Substream) => void
  readonly limits?: Partial<MultiplexerLimits>
}

/** Many substreams over one channel, each with a type and credit of its own. */
export interface Multiplexer {
  /** Throws ERR_MULTIPLEXER_CLOSED after the end, ERR_SUBSTREAM_LIMIT beyond the limit, RangeError for a type not of 1–64 bytes. */
  openSubstream(type: string): Substream
  readonly substreams: readonly Substream[]
  /** Sends what was written, as far as the peer takes it within 500 ms, then closes the channel. */
  close(): void
  abort(error: SwarmError): void
  /** Never rejects. A peer that broke the protocol shows as `by: 'us'` with a numbered code and ERR_MULTIPLEXER_PROTOCOL. */
  readonly closed: Promise<CloseReason>
}

const OPTIONS = new Set(['channel', 'role', 'runtime', 'flowControl', 'onSubstream', 'limits'])

export function createMultiplexer(options: MultiplexerOptions): Multiplexer {
  for (const name of Object.keys(options))
    if (!OPTIONS.has(name)) throw new TypeError(`${name} is not an option of createMultiplexer`)
  if (options.role !== 'initiator' && options.role !== 'responder') throw new TypeError("role is 'initiator' or 'responder'")
  if (options.channel.maxMessageBytes < limits.MESSAGE_BYTES_MIN) {
    throw new RangeError(`channel must take messages of ${limits.MESSAGE_BYTES_MIN} bytes`)
  }
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
  readonly #refused: RefusedOpens
  /** By id; each side numbers the substreams that it opened. */
  readonly #ours = new Map<number, SubstreamCore>()
  readonly #theirs = new Map<number, SubstreamCore>()
  readonly #faces = new Map<SubstreamCore, Substream>()
  readonly #arrived: Uint8Array[] = []
  #nextId = 0
  #newestTheirId = -1
  #state: 'open' | 'closing' | 'ended' = 'open'
  #cancelFlush: () => void = () => {}
  #resolveClosed: (reason: CloseReason) => void = () => {}

  constructor(options: MultiplexerOptions) {
    this.#options = options
    this.#limits = parseLimits(options.limits)
    this.#channel = options.channel
    this.clock = options.runtime.clock
    this.flowControl = options.flowControl ?? true
    this.buffers = new PeerBuffers({ bytesMax: this.#limits.bufferedBytesMax })
    this.#outbox = new Outbox(this.#channel)
    this.#late = new LateFrames({ flowControl: this.flowControl })
    this.#refused = new RefusedOpens(this.clock)
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
    if (this.#ours.size >= this.#limits.substreamsOutMax || this.#nextId > limits.SUBSTREAM_ID_MAX) {
      throw new SwarmError<MultiplexerErrorCode>(
        `${this.#ours.size} substreams to this peer are open: end one before you open the next.`,
        { code: 'ERR_SUBSTREAM_LIMIT', retryable: true },
      )
    }
    const id = this.#nextId++
    this.#control(encodeOpen(id, bytes))
    if (this.#hasEnded) throw closedError() // by a flood of control frames, just now
    return this.#add(new SubstreamCore({ id, type, openedBy: 'us', port: this }))
  }

  get #hasEnded(): boolean {
    return this.#state === 'ended'
  }

  get substreams(): readonly Substream[] {
    return [...this.#faces.values()]
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
    const table = core.openedBy === 'us' ? this.#ours : this.#theirs
    table.delete(core.id)
    this.#faces.delete(core)
    this.#late.allow(outstandingBytes)
  }

  #add(core: SubstreamCore): Substream {
    const substream = createSubstream(core)
    const table = core.openedBy === 'us' ? this.#ours : this.#theirs
    table.set(core.id, core)
    this.#faces.set(core, substream)
    return substream
  }

  // What the peer sends

  #onMessage(message: Uint8Array): void {
    // A listener's answer may bring the next message before this one is read to its end.
    this.#arrived.push(message)
    if (this.#arrived.length > 1) return
    try {
      for (let next: Uint8Array | undefined = message; next && this.#state !== 'ended'; next = this.#arrived[0]) {
        this.#decoder.push(next)
        this.#arrived.shift()
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      this.#breakOff(error)
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
    return this.#lookUp(id, (flag & 1) === 0)
  }

  #lookUp(id: number, openedByPeer: boolean): SubstreamCore | undefined {
    const core = (openedByPeer ? this.#theirs : this.#ours).get(id)
    if (!core && id > (openedByPeer ? this.#newestTheirId : this.#nextId - 1)) {
      throw new ProtocolViolation(CLOSE_CODES.substreamUnknown, 'a frame for a substream that nobody opened')
    }
    return core
  }

  #onOpen(id: number, data: Uint8Array): void {
    // With credit ids only grow, as channels keep order; other mplex implementations may send opens out of turn.
    if (this.#theirs.has(id) || (this.flowControl && id <= this.#newestTheirId)) {
      throw new ProtocolViolation(CLOSE_CODES.substreamIdReused, 'a substream id was used twice')
    }
    this.#newestTheirId = Math.max(this.#newestTheirId, id)
    const type = decodeUtf8(data)
    if (type === undefined || (type === '' && this.flowControl)) {
      throw new ProtocolViolation(CLOSE_CODES.typeInvalid, 'a type is not well-formed UTF-8 of at least one byte')
    }
    if (this.#state === 'closing' || this.#theirs.size >= this.#limits.substreamsInMax) {
      if (this.#state === 'open') this.#refused.take()
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
    const core = this.#lookUp(id, fromInitiator)
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
  }

  #afterEnd(core: SubstreamCore): void {
    if (this.flowControl) throw new ProtocolViolation(CLOSE_CODES.frameAfterEnd, 'data or an end after the end of a substream')
    core.reset(RESET_CODES.channelProtocol)
  }

  /** Whose reader has left most unread. Only this peer's substreams count, so nobody can get another's reset. */
  #laziest(): SubstreamCore {
    return [...this.#faces.keys()].reduce((one, other) => (other.unreadBytes > one.unreadBytes ? other : one))
  }

  // Ends

  #control(frame: Uint8Array): void {
    if (this.#outbox.control(frame)) return
    this.#breakOff(
      new ProtocolViolation(CLOSE_CODES.controlFlood, 'too many opens and resets wait for a peer that does not read'),
    )
  }

  #isFlushed(): boolean {
    if (!this.#outbox.isIdle) return false
    for (const core of this.#faces.keys()) if (core.queuedBytes > 0) return false
    return true
  }

  #closeChannel(): void {
    this.#cancelFlush()
    this.#outbox.onIdle = () => {}
    this.#channel.close()
  }

  #breakOff(violation: ProtocolViolation): void {
    const error = protocolError(violation)
    this.#options.runtime.log.warn(error.message, { role: this.#options.role, closeCode: violation.closeCode })
    this.#channel.abort(error)
    this.#end({ by: 'us', code: violation.closeCode, error })
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#cancelFlush()
    this.#outbox.stop()
    for (const core of [...this.#faces.keys()]) core.sessionEnded(reason.by, reason.error)
    this.#resolveClosed(reason)
  }
}
