import type { Clock } from '@resilient-swarm/contract'
import { Acknowledger } from './acknowledger.ts'
import { CLOSE_CODES } from './close-codes.ts'
import { ProtocolViolation } from './errors.ts'
import { encodeFrame, writeData } from './frame.ts'
import { ACK_AFTER_BYTES, type SessionLimits } from './limits.ts'
import type { PathSet } from './path-set.ts'
import { type Item, isClose, ReceiveOrder } from './receive-order.ts'
import { SendWindow } from './send-window.ts'
import type { LivePath } from './session-path.ts'
import { Slab } from './slab.ts'

/** What comes out of the flow. */
export interface DataFlowPort {
  readonly onMessage: (message: Uint8Array) => void
  /** The peer closed, and everything before that was handed on. */
  readonly onClose: (code: number) => void
  /** The peer has acknowledged something. */
  readonly onAcknowledged: () => void
  readonly onDrain: () => void
}

export interface DataFlowOptions {
  readonly clock: Clock
  readonly paths: PathSet
  readonly limits: SessionLimits
  readonly port: DataFlowPort
}

/** Moves DATA and acknowledgements between the window, the order and whichever path is right. */
export class DataFlow {
  readonly #paths: PathSet
  readonly #port: DataFlowPort
  readonly #waitingBytesMax: number
  readonly #window: SendWindow
  readonly #order: ReceiveOrder
  readonly #acks: Acknowledger
  readonly #slab = new Slab()
  #arrival: LivePath | undefined
  #isAckWaiting = false
  #isPumping = false
  #isBlocked = false
  #hasStopped = false

  constructor({ clock, paths, limits, port }: DataFlowOptions) {
    this.#paths = paths
    this.#port = port
    this.#waitingBytesMax = limits.waitingBytesMax
    this.#window = new SendWindow(limits)
    this.#order = new ReceiveOrder({ keptBytesMax: limits.windowBytesMax })
    const afterBytes = Math.min(ACK_AFTER_BYTES, limits.windowBytes / 4)
    this.#acks = new Acknowledger({ clock, afterBytes, send: () => this.#sendAck() })
  }

  get nextSeq(): number {
    return this.#order.nextSeq
  }

  /** What is sent or waits, and is not acknowledged. */
  get keptBytes(): number {
    return this.#window.keptBytes
  }

  get isFlushed(): boolean {
    return this.#window.isEmpty
  }

  /** The sender went on although it was told to wait. */
  get isOverfull(): boolean {
    return this.#window.keptBytes - this.#window.windowBytes > this.#waitingBytesMax
  }

  outstandingOn(path: LivePath): number {
    return this.#window.outstandingOn(path.slot)
  }

  /** False: it is taken, but wait for `onDrain`. */
  send(bytes: Uint8Array, freeBytesBefore: number): boolean {
    const ack = this.#order.nextSeq
    const frame = writeData({ seq: this.#window.nextSeq, ack, bytes, freeBytesBefore }, this.#slab.cut)
    this.#window.push({ frame, ack })
    this.#pump()
    const hasRoom = this.#hasRoom()
    if (!hasRoom) this.#isBlocked = true
    return hasRoom
  }

  sendClose(code: number): void {
    const frame = encodeFrame({ type: 'close', seq: this.#window.nextSeq, code })
    this.#window.push({ frame, ack: 0 })
    this.#pump()
  }

  /** DATA or CLOSE came. Throws a ProtocolViolation. */
  receive({ path, seq, item, nowMs }: { path: LivePath; seq: number; item: Item; nowMs: number }): void {
    const where = this.#order.add(seq, item)
    this.#arrival = path
    this.#paths.used(nowMs)
    this.#acks.owe({ byteCount: isClose(item) ? 0 : item.byteLength, nowMs, isForced: where === 'had' })
    if (where === 'next') this.#handOn(item)
  }

  /**
   * The peer expects `ack` next. Throws a ProtocolViolation. A HELLO (`isGreeting`) proves nothing of other paths: it tells of the time
   * before, and acknowledgements get lost with the very path that would pass for a good one now.
   */
  acknowledge({ ack, nowMs, isGreeting = false }: { ack: number; nowMs: number; isGreeting?: boolean }): void {
    const told = this.#window.acknowledge(ack)
    if (!told) throw new ProtocolViolation(CLOSE_CODES.ackInvalid, `an acknowledgement of ${ack}, which was never sent`)
    if (told.bytes === 0) return
    const { transmit, live } = this.#paths
    const rttMs = transmit?.rttMs
    if (rttMs !== undefined) this.#window.grow({ bytes: told.bytes, nowMs, rttMs })
    this.#paths.used(nowMs)
    for (const path of live) {
      const hasMore = this.outstandingOn(path) > 0
      path.state.dataAcknowledged({ nowMs, isProof: !isGreeting && (told.proven & path.bit) !== 0, hasMore })
    }
    this.#port.onAcknowledged()
    this.#pump()
    this.#unblock()
  }

  /** Other paths are trusted, or another one sends. */
  rerouted(): void {
    this.#window.rescan()
    this.#pump()
    this.#unblock()
  }

  pathDrained(path: LivePath): void {
    if (path !== this.#paths.transmit) return
    if (this.#isAckWaiting) this.#sendAck()
    this.#pump()
    this.#unblock()
  }

  pathLost(path: LivePath): void {
    this.#window.pathLost(path.slot)
    if (this.#arrival === path) this.#arrival = undefined
  }

  /** Tells by every path how far we are; before an end, when any one of them may be the last that works. */
  acknowledgeEverywhere(): void {
    const frame = encodeFrame({ type: 'ack', ack: this.#order.nextSeq })
    for (const path of [...this.#paths.live]) path.send(frame)
    this.#acks.told()
  }

  stop(): void {
    this.#hasStopped = true
    this.#acks.stop()
    this.#window.clear()
    this.#order.clear()
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      for (let path = this.#paths.transmit; path?.hasRoom; path = this.#paths.transmit) {
        const kept = this.#window.next(this.#paths.trusted | path.bit)
        if (!kept) break
        if (this.outstandingOn(path) === 0) this.#paths.dataSent(path)
        this.#window.sent(kept, path.slot)
        if (kept.ack === this.#order.nextSeq) this.#acks.carried()
        path.send(kept.frame)
      }
    } finally {
      this.#isPumping = false
    }
  }

  #hasRoom(): boolean {
    const { transmit } = this.#paths
    return this.#window.hasRoom && (transmit === undefined || transmit.hasRoom)
  }

  #unblock(): void {
    if (!this.#isBlocked || this.#hasStopped || !this.#hasRoom()) return
    this.#isBlocked = false
    this.#port.onDrain()
  }

  /** Without a path nothing is told now: the next HELLO says it. */
  #sendAck(): void {
    const { transmit } = this.#paths
    if (!transmit) return
    this.#isAckWaiting = !transmit.hasRoom
    const frame = encodeFrame({ type: 'ack', ack: this.#order.nextSeq })
    if (transmit.hasRoom) transmit.send(frame)
    // The peer may have left our sending path because nothing of ours arrives by it.
    if (this.#arrival !== transmit && this.#arrival?.hasRoom) this.#arrival.send(frame)
    this.#acks.told()
  }

  #handOn(item: Item): void {
    try {
      for (let next: Item | undefined = item; next && !this.#hasStopped; next = this.#order.take()) {
        if (isClose(next)) this.#port.onClose(next.code)
        else this.#port.onMessage(next)
      }
    } finally {
      // A listener threw: what waits behind must not wait for ever.
      if (this.#order.hasNext && !this.#hasStopped) queueMicrotask(() => this.#handOnKept())
    }
  }

  #handOnKept(): void {
    const item = this.#hasStopped ? undefined : this.#order.take()
    if (item) this.#handOn(item)
  }
}
