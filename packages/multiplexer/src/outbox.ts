import type { Channel } from '@resilient-swarm/contract'
import { CONTROL_QUEUE_BYTES_MAX, FLUSH_TURNS, MESSAGE_BYTES_MAX, PASSED_OVER_FRAMES_MAX, SPLINTER_BYTES } from './limits.ts'

/** Order of turns: dnode before all, then our other services, then the application. */
export type Rank = 0 | 1 | 2

// Node wraps each queueMicrotask callback in an async resource; a settled promise's is bare, and several times cheaper.
const RESOLVED = Promise.resolve()

const RANKS: readonly Rank[] = [0, 1, 2]

export function rankOf(type: string): Rank {
  if (type === 'dnode') return 0
  return type === 'db' || type === 'relay' ? 1 : 2
}

/** A substream as the outbox sees it. */
export interface Sender {
  readonly rank: Rank
  /** Set and cleared by the outbox: it stands in line. */
  inLine: boolean
  /** Set and cleared by the outbox: credit is to be told to the peer. */
  creditDue: boolean
  /** Data that may go out now, as far as written and as far as credit goes. */
  readonly sendableBytes: number
  /** Anything to send now: data, or the end of it. */
  readonly hasTurn: boolean
  /** Writes its next frames at `position`, as far as they fit; returns the offset behind them. */
  writeFrames(target: Uint8Array, position: number): number
  /** The credit frame that is due; undefined when it is not any more. */
  takeCreditFrame(): Uint8Array | undefined
  /** Called after a message of its frames was sent, outside of any loop over them. */
  afterTurn(): void
}

/**
 * Fills channel messages: control frames and credit first, then one frame of each substream in turn. A write that fills
 * a message leaves at once; a smaller one leaves a few microtasks later, with whatever else was written in the same tick.
 * Nothing is sent while the channel is full, so what waits, waits here, where turns are still to be had.
 */
export class Outbox {
  /** Called when everything that could be sent was given to the channel. */
  onIdle: () => void = () => {}
  readonly #channel: Channel
  readonly #messageBytes: number
  readonly #headroomBytes: number
  readonly #lines: [Sender[], Sender[], Sender[]] = [[], [], []]
  readonly #passedOver: [number, number, number] = [0, 0, 0]
  #control: Uint8Array[] = []
  #controlBytes = 0
  #creditDue: Sender[] = []
  #hadTurn: Sender[] = []
  #scratch: Uint8Array | undefined
  #hasRoom = true
  #sending = false
  #turnsLeft = 0
  #stopped = false

  constructor(channel: Channel) {
    this.#channel = channel
    this.#messageBytes = Math.min(channel.maxMessageBytes, MESSAGE_BYTES_MAX)
    this.#headroomBytes = channel.headroomBytes ?? 0
  }

  /** Nothing waits that could be sent, whatever the channel's room. */
  get isIdle(): boolean {
    return this.#control.length === 0 && this.#creditDue.length === 0 && this.#lines.every((line) => line.length === 0)
  }

  /** Sends a whole frame as soon as there is room, in order with other such frames. False: too many wait. */
  control(frame: Uint8Array): boolean {
    if (this.#controlBytes + frame.byteLength > CONTROL_QUEUE_BYTES_MAX) return false
    this.#control.push(frame)
    this.#controlBytes += frame.byteLength
    this.#soon()
    return true
  }

  credit(sender: Sender): void {
    if (sender.creditDue) return
    sender.creditDue = true
    this.#creditDue.push(sender)
    this.#soon()
  }

  /** Says that a substream may have something to send. */
  wake(sender: Sender): void {
    if (!sender.hasTurn) return
    if (!sender.inLine) {
      sender.inLine = true
      this.#lines[sender.rank].push(sender)
    }
    if (sender.sendableBytes >= this.#messageBytes) this.#send({ wholeOnly: true })
    else this.#soon()
  }

  drained(): void {
    this.#hasRoom = true
    this.#send({ wholeOnly: true })
  }

  stop(): void {
    this.#stopped = true
    this.#control = []
    this.#creditDue = []
    for (const line of this.#lines) line.length = 0
  }

  /** A few microtasks from now; the wait begins anew only when a whole message leaves, which the channel's room bounds. */
  #soon(): void {
    if (this.#turnsLeft > 0 || this.#sending || !this.#hasRoom || this.#stopped) return
    this.#turnsLeft = FLUSH_TURNS
    void RESOLVED.then(this.#turn)
  }

  readonly #turn = (): void => {
    if (--this.#turnsLeft > 0) void RESOLVED.then(this.#turn)
    else this.#send({ wholeOnly: false })
  }

  /** Sends while there is room: everything, or whole messages now and the rest a few microtasks later. */
  #send({ wholeOnly }: { wholeOnly: boolean }): void {
    if (this.#sending || this.#stopped) return
    this.#sending = true
    try {
      while (this.#hasRoom && !this.#stopped && !(wholeOnly && !this.#fillsMessage())) {
        const message = this.#nextMessage()
        if (!message) break
        // Set before: a channel may call onDrain before send returns.
        this.#hasRoom = false
        if (this.#channel.send(message, this.#headroomBytes)) this.#hasRoom = true
        this.#afterTurns()
      }
    } finally {
      this.#sending = false
    }
    if (this.isIdle) this.onIdle()
    else if (this.#turnsLeft > 0) this.#turnsLeft = FLUSH_TURNS
    else this.#soon()
  }

  #fillsMessage(): boolean {
    for (const line of this.#lines) {
      for (const sender of line) if (sender.sendableBytes >= this.#messageBytes) return true
    }
    return false
  }

  #afterTurns(): void {
    const hadTurn = this.#hadTurn
    if (hadTurn.length === 0) return
    this.#hadTurn = []
    for (const sender of hadTurn) sender.afterTurn()
  }

  #nextMessage(): Uint8Array | undefined {
    this.#scratch ??= this.#newMessage(this.#messageBytes)
    const target = this.#scratch
    let position = this.#writeControl(target)
    while (target.byteLength - position >= SPLINTER_BYTES || position === 0) {
      const sender = this.#next()
      if (!sender) break
      sender.inLine = false
      position = sender.writeFrames(target, position)
      this.#hadTurn.push(sender)
      if (sender.hasTurn) {
        sender.inLine = true
        this.#lines[sender.rank].push(sender)
      }
    }
    if (position === 0) return undefined
    // A short message is copied out; a long one leaves in the buffer that it was written to.
    const message = target.subarray(0, position)
    if (position * 2 < target.byteLength) {
      const short = this.#newMessage(position)
      short.set(message)
      return short
    }
    this.#scratch = undefined
    return message
  }

  /** With room in front of it for what the channel puts there. */
  #newMessage(byteCount: number): Uint8Array {
    return new Uint8Array(new ArrayBuffer(this.#headroomBytes + byteCount), this.#headroomBytes)
  }

  #writeControl(target: Uint8Array): number {
    let position = 0
    let count = 0
    for (const frame of this.#control) {
      if (position + frame.byteLength > target.byteLength) break
      target.set(frame, position)
      position += frame.byteLength
      count++
    }
    if (count > 0) {
      this.#control.splice(0, count)
      this.#controlBytes -= position
    }
    while (this.#creditDue.length > 0 && target.byteLength - position >= SPLINTER_BYTES) {
      const sender = this.#creditDue.shift() as Sender
      sender.creditDue = false
      const frame = sender.takeCreditFrame()
      if (!frame) continue
      target.set(frame, position)
      position += frame.byteLength
    }
    return position
  }

  /** The highest rank in line, unless a lower one was passed over too often. */
  #next(): Sender | undefined {
    let pick: Rank | undefined
    for (const rank of RANKS) {
      if (this.#lines[rank].length === 0) continue
      if (pick === undefined || this.#passedOver[rank] >= PASSED_OVER_FRAMES_MAX) pick = rank
    }
    if (pick === undefined) return undefined
    for (const rank of RANKS) {
      if (rank > pick && this.#lines[rank].length > 0) this.#passedOver[rank]++
    }
    this.#passedOver[pick] = 0
    return this.#lines[pick].shift()
  }
}
