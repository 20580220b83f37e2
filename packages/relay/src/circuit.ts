import { type Channel, type CloseReason, FINISHED, type Runtime, type SwarmError, type Timer } from '@resilient-swarm/contract'
import { ChunkQueue } from './chunk-queue.ts'
import { endedError, lostError, relayError } from './errors.ts'
import { FrameScanner } from './frame-scanner.ts'
import type { Leg } from './leg.ts'
import { CLOSE_TIMEOUT_MS, CLOSE_TIMEOUT_MS_MAX, MESSAGE_BYTES_MAX, UNDER_WAY_BYTES_MAX } from './limits.ts'
import { type ControlFrame, encodeMessageHeader } from './messages.ts'
import type { CircuitLimits } from './options.ts'
import { CIRCUIT_END_CODES } from './refusal-codes.ts'
import { Renewal } from './renewal.ts'

export interface CircuitChannelOptions {
  readonly leg: Leg
  /** What came behind the frame that opened it. */
  readonly rest: Uint8Array
  readonly limits: CircuitLimits
  readonly role: 'dialler' | 'target'
  readonly runtime: Runtime
}

/** One end of a circuit as a Channel, over its leg to the relay. */
export class CircuitChannel implements Channel {
  readonly maxMessageBytes = MESSAGE_BYTES_MAX
  readonly closed: Promise<CloseReason>
  onDrain: () => void = nothing
  readonly #leg: Leg
  readonly #runtime: Runtime
  readonly #limits: CircuitLimits
  readonly #renewal: Renewal | undefined
  readonly #scanner = new FrameScanner()
  readonly #waiting = new ChunkQueue()
  #message: Uint8Array | undefined
  #filledBytes = 0
  /** A whole message that nobody listens for yet; until then nothing more is read, so that credit bounds what waits. */
  #unheard: Uint8Array | undefined
  #receive: ((message: Uint8Array) => void) | undefined
  #onLeaving: ((leftMs: number) => void) | undefined
  #announcedMs: number | undefined
  #state: 'open' | 'closing' | 'ended' = 'open'
  #reading = false
  #sourceEnded = false
  #reason: CloseReason = FINISHED
  #timer: Timer | undefined
  #lifeTimer: Timer | undefined
  #resolveClosed: (reason: CloseReason) => void = nothing

  constructor({ leg, rest, limits, role, runtime }: CircuitChannelOptions) {
    this.#leg = leg
    this.#runtime = runtime
    this.#limits = limits
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    if (role === 'dialler') {
      this.#renewal = new Renewal({ clock: runtime.clock, durationMs: limits.durationMs, ask: () => leg.send({ type: 'renew' }) })
    }
    this.#live(limits.durationMs)
    leg.onClosed = (end) => this.#lose(end)
    leg.raw.onDrain = () => {
      if (this.#state === 'open') this.onDrain()
    }
    if (rest.byteLength > 0) this.#onBytes(rest)
    leg.raw.onBytes = (bytes) => this.#onBytes(bytes)
    leg.raw.onEnd = () => {
      this.#sourceEnded = true
      this.#work()
    }
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#receive ?? nothing
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#receive = receive
    this.#work()
  }

  get onLeaving(): (leftMs: number) => void {
    return this.#onLeaving ?? nothing
  }

  /** The relay said that the circuit ends in so many ms; called at once when it did so before. */
  set onLeaving(onLeaving: (leftMs: number) => void) {
    this.#onLeaving = onLeaving
    const announcedMs = this.#announcedMs
    this.#announcedMs = undefined
    if (announcedMs !== undefined) onLeaving(announcedMs)
  }

  send(message: Uint8Array): boolean {
    if (message.byteLength > MESSAGE_BYTES_MAX) {
      throw new RangeError(`a message is at most ${MESSAGE_BYTES_MAX} bytes, this one has ${message.byteLength}`)
    }
    if (this.#state !== 'open') return false
    this.#renewal?.used()
    const hasRoom = this.#leg.raw.write(encodeMessageHeader(message.byteLength))
    return message.byteLength > 0 ? this.#leg.raw.write(message) : hasRoom
  }

  close(reason: CloseReason = FINISHED): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#reason = { ...reason, by: 'us' }
    this.#sayClose(reason.code)
    const { bytesPerSecond, durationMs } = this.#limits
    const timeoutMs = CLOSE_TIMEOUT_MS + (UNDER_WAY_BYTES_MAX * 1000) / bytesPerSecond
    this.#timer = this.#runtime.clock.setTimer(Math.min(timeoutMs, durationMs, CLOSE_TIMEOUT_MS_MAX), () => {
      const message = 'The other end did not confirm that it got everything before the circuit was closed.'
      const error = relayError('ERR_CIRCUIT_LOST', message)
      this.#end({ by: 'us', code: CIRCUIT_END_CODES.unconfirmed, error })
      this.#leg.reset()
    })
  }

  abort(error: SwarmError): void {
    if (this.#state === 'ended') return
    this.#end({ by: 'us', code: CIRCUIT_END_CODES.aborted, error })
    this.#leg.reset()
  }

  /** The peer that relays left, or is not connected directly any more. */
  lose(cause?: unknown): void {
    if (this.#state === 'ended') return
    this.#end({ by: 'peer', code: CIRCUIT_END_CODES.lost, error: lostError(cause) })
    this.#leg.reset()
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#state === 'ended') this.#leg.raw.consume(bytes.byteLength)
    else if (this.#reading || this.#unheard || !this.#waiting.isEmpty) this.#waiting.push(bytes)
    else {
      this.#reading = true
      try {
        this.#read(bytes)
      } finally {
        this.#reading = false
      }
      if (this.#sourceEnded || !this.#waiting.isEmpty) this.#work()
    }
  }

  /** Reads on, as far as somebody listens. */
  #work(): void {
    if (this.#reading || this.#state === 'ended') return
    this.#reading = true
    try {
      this.#deliverUnheard()
      while (!this.#unheard && !this.#hasEnded) {
        const bytes = this.#waiting.take()
        if (!bytes) break
        this.#read(bytes)
      }
    } finally {
      this.#reading = false
    }
    if (this.#sourceEnded && this.#waiting.isEmpty && !this.#unheard) this.#lose()
  }

  #read(bytes: Uint8Array): void {
    const scanner = this.#scanner
    let offset = 0
    while (offset < bytes.byteLength && !this.#unheard && !this.#hasEnded) {
      const before = offset
      offset = scanner.step(bytes, offset)
      if (scanner.event === 'header') this.#beginMessage()
      else if (scanner.event === 'payload') this.#addToMessage(bytes.subarray(before, offset))
      else if (scanner.event === 'control') this.#control(scanner.control as ControlFrame)
      else if (scanner.event === 'invalid') this.#breakOff()
    }
    if (this.#hasEnded) offset = bytes.byteLength
    else if (offset < bytes.byteLength) this.#waiting.putBack(bytes.subarray(offset))
    this.#leg.raw.consume(offset)
  }

  #beginMessage(): void {
    if (this.#scanner.messageBytes === 0) this.#deliver(EMPTY)
  }

  /** A message that lies in these bytes as a whole is handed on without a copy. */
  #addToMessage(piece: Uint8Array): void {
    const { messageBytes, restBytes } = this.#scanner
    if (piece.byteLength === messageBytes) {
      this.#deliver(piece)
      return
    }
    this.#message ??= new Uint8Array(messageBytes)
    this.#message.set(piece, this.#filledBytes)
    this.#filledBytes += piece.byteLength
    if (restBytes > 0) return
    const message = this.#message
    this.#message = undefined
    this.#filledBytes = 0
    this.#deliver(message)
  }

  #deliver(message: Uint8Array): void {
    this.#renewal?.used()
    if (this.#receive) this.#receive(message)
    else this.#unheard = message.slice()
  }

  #deliverUnheard(): void {
    const message = this.#unheard
    if (!message || !this.#receive) return
    this.#unheard = undefined
    this.#receive(message)
  }

  #control(frame: ControlFrame): void {
    switch (frame.type) {
      case 'close':
        this.#peerClosed(frame.code)
        break
      case 'end':
        this.#end({ by: 'peer', code: frame.code, error: endedError(frame.code) })
        this.#leg.finish()
        break
      case 'drain':
        if (this.#onLeaving) this.#onLeaving(frame.leftMs)
        else this.#announcedMs = frame.leftMs
        break
      case 'renewed':
        this.#renewal?.renewed(frame.durationMs)
        this.#live(frame.durationMs)
        break
      default:
        this.#breakOff()
    }
  }

  /** Everything that the other end sent was delivered. */
  #peerClosed(code: number): void {
    if (this.#state === 'closing') {
      this.#end(this.#reason)
    } else {
      this.#sayClose(0)
      this.#end({ by: 'peer', code })
    }
    this.#leg.finish()
  }

  #sayClose(code: number): void {
    this.#leg.send({ type: 'close', code })
    this.#leg.raw.end()
  }

  /** The relay ends a circuit whose time is up; one that does not shall not keep our place for ever. */
  #live(durationMs: number): void {
    this.#lifeTimer?.cancel()
    this.#lifeTimer = this.#runtime.clock.setTimer(durationMs + CLOSE_TIMEOUT_MS, () => {
      const code = CIRCUIT_END_CODES.timeUp
      this.#end({ by: 'us', code, error: endedError(code) })
      this.#leg.reset()
    })
  }

  #breakOff(): void {
    const message = 'The relay sent what the protocol does not allow; update whichever side is older.'
    this.#end({ by: 'us', code: CIRCUIT_END_CODES.malformed, error: relayError('ERR_CIRCUIT_PROTOCOL', message) })
    this.#leg.reset()
  }

  #lose(cause?: unknown): void {
    if (this.#state === 'ended') return
    this.#end({ by: 'peer', code: CIRCUIT_END_CODES.lost, error: lostError(cause) })
    this.#leg.finish()
  }

  get #hasEnded(): boolean {
    return this.#state === 'ended'
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#timer?.cancel()
    this.#lifeTimer?.cancel()
    this.#renewal?.stop()
    this.#unheard = undefined
    this.#leg.raw.consume(this.#waiting.bytes)
    this.#waiting.clear()
    this.#resolveClosed(reason)
  }
}

const EMPTY = new Uint8Array(0)

function nothing(): void {}
