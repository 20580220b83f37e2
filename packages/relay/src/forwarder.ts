import type { Clock, RawSubstream, Timer } from '@resilient-swarm/contract'
import { ChunkQueue } from './chunk-queue.ts'
import { FrameScanner } from './frame-scanner.ts'
import { FORWARD_BYTES_MAX } from './limits.ts'
import { type ControlFrame, encodeControl } from './messages.ts'
import type { TokenRate } from './token-rate.ts'

export interface ForwarderOptions {
  readonly from: RawSubstream
  readonly to: RawSubstream
  readonly rate: TokenRate
  readonly clock: Clock
  readonly onForwarded: (byteCount: number) => void
  /** RENEW came, in its turn. */
  readonly onRenew: () => void
  /** Its sender broke the protocol. */
  readonly onMalformed: () => void
  /** Its sender ended without CLOSE. */
  readonly onLost: () => void
}

/**
 * One direction of a circuit. Passes the bytes of messages on as they come, unread and without a copy, and gives credit back
 * for what the other leg took: while that leg is full, or the rate is spent, what comes waits here, at most the sender's credit.
 */
export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #scanner = new FrameScanner()
  readonly #waiting = new ChunkQueue()
  #inserts: ControlFrame[] = []
  #last: ControlFrame | undefined
  #hasRoom = true
  #working = false
  #forwarding = false
  #sourceEnded = false
  #closeSeen = false
  #over = false
  #timer: Timer | undefined

  constructor(options: ForwarderOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#waiting.bytes
  }

  /** Takes both sides' listeners; `rest` came already. */
  start(rest: Uint8Array): void {
    const { from, to } = this.#options
    to.onDrain = () => {
      this.#hasRoom = true
      this.#work()
    }
    this.receive(rest)
    from.onBytes = (bytes) => this.receive(bytes)
    from.onEnd = () => {
      this.#sourceEnded = true
      this.#work()
    }
  }

  receive(bytes: Uint8Array): void {
    if (this.#over) this.#options.from.consume(bytes.byteLength)
    else if (bytes.byteLength > FORWARD_BYTES_MAX || this.#working || !this.#waiting.isEmpty || !this.#mayGo()) {
      this.#waiting.push(bytes)
      this.#work()
    } else if (bytes.byteLength > 0) {
      this.#guarded(() => this.#forward(bytes))
      this.#work()
    }
  }

  /** Puts a frame of the relay's own between two messages, now or as soon as there is such a place. */
  insert(frame: ControlFrame): void {
    if (this.#over || this.#last) return
    this.#inserts.push(frame)
    if (!this.#forwarding) this.#atBoundary()
  }

  /** Ends this direction with a last frame, between two messages. False: it is inside one, and the rest of that has to come first. */
  finish(last: ControlFrame): boolean {
    if (this.#over) return true
    this.#last = last
    if (!this.#forwarding) this.#atBoundary()
    return this.#over
  }

  /** Forwards nothing more, and forgets what waits. */
  stop(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#options.from.consume(this.#waiting.bytes)
    this.#waiting.clear()
    this.#inserts = []
  }

  #mayGo(): boolean {
    if (!this.#hasRoom || this.#timer) return false
    const delayMs = this.#options.rate.delayMs()
    if (delayMs === 0) return true
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined
      this.#work()
    })
    return false
  }

  #work(): void {
    if (this.#working) return
    this.#guarded(() => {
      while (!this.#over && !this.#waiting.isEmpty && this.#mayGo()) this.#forward(this.#waiting.take() as Uint8Array)
      if (this.#sourceEnded && this.#waiting.isEmpty && !this.#over) this.#sourceDone()
    })
  }

  /** A write may bring the next bytes, or room for them, before it returns. */
  #guarded(work: () => void): void {
    this.#working = true
    try {
      work()
    } finally {
      this.#working = false
      this.#forwarding = false
    }
  }

  #forward(bytes: Uint8Array): void {
    this.#forwarding = true
    const { from, rate } = this.#options
    const scanner = this.#scanner
    rate.take(bytes.byteLength)
    let start = 0 // of the bytes that go on in one write
    let offset = 0
    while (offset < bytes.byteLength && !this.#over) {
      const before = offset
      offset = scanner.step(bytes, offset)
      if (scanner.event === 'header') {
        if (this.#closeSeen) this.#malformed()
        else if (scanner.headerStraddles) {
          this.#pass(scanner.header)
          start = offset
        }
      } else if (scanner.event !== 'payload') {
        this.#pass(bytes.subarray(start, before))
        start = offset
        if (scanner.event === 'invalid') this.#malformed()
        else if (scanner.event === 'control') this.#control(scanner.control as ControlFrame)
      }
      if ((this.#last || this.#inserts.length > 0) && scanner.isBetweenMessages) {
        this.#pass(bytes.subarray(start, offset))
        start = offset
        this.#atBoundary()
      }
    }
    if (!this.#over) this.#pass(bytes.subarray(start, offset))
    this.#forwarding = false
    from.consume(bytes.byteLength)
  }

  #pass(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#options.onForwarded(bytes.byteLength)
    this.#write(bytes)
  }

  #write(bytes: Uint8Array): void {
    const hadRoom = this.#hasRoom
    this.#hasRoom = false // before: a substream may call onDrain before write returns
    if (this.#options.to.write(bytes) && hadRoom) this.#hasRoom = true
  }

  #control(frame: ControlFrame): void {
    if (frame.type === 'renew' && !this.#closeSeen) {
      this.#options.onRenew()
    } else if (frame.type === 'close' && !this.#closeSeen) {
      this.#closeSeen = true
      this.#write(encodeControl(frame))
    } else {
      this.#malformed()
    }
  }

  #atBoundary(): void {
    if (!this.#scanner.isBetweenMessages || this.#over) return
    const frames = this.#last ? [...this.#inserts, this.#last] : this.#inserts
    this.#inserts = []
    if (this.#last) this.stop() // before: a write may bring us back here
    for (const frame of frames) this.#write(encodeControl(frame))
    if (this.#last) this.#options.to.end()
  }

  #sourceDone(): void {
    if (!this.#closeSeen || this.#scanner.isInside) {
      this.#options.onLost()
      this.stop()
      return
    }
    this.#over = true
    this.#options.to.end()
  }

  /** Found at the beginning of a frame, so there is a place for a last word to the other side. */
  #malformed(): void {
    this.#forwarding = false
    this.#options.onMalformed()
    this.stop()
  }
}
