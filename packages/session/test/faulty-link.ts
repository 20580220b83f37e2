import { type Channel, type CloseReason, FINISHED, MessageSlot, type Random, SwarmError } from '@resilient-swarm/contract'
import type { SimulatedNode } from './simulated-time.ts'

export interface LinkFacts {
  readonly delayMs: number
  /** Each message takes up to this share more or less. */
  readonly jitter: number
  readonly bytesPerMs: number
}

export interface FaultyLinkOptions extends LinkFacts {
  readonly nodes: readonly [SimulatedNode, SimulatedNode]
  readonly random: Random
}

const HIGH_WATER_BYTES = 64 * 1024
const SLOT_BYTES_MAX = 64 * 1024 * 1024

/** Two ends of a path with delay, jitter and bandwidth, which keeps order, and can stall in either direction or die with all that is under way. */
export class FaultyLink {
  readonly ends: readonly [FaultyEnd, FaultyEnd]
  facts: LinkFacts

  constructor({ nodes, random, ...facts }: FaultyLinkOptions) {
    this.facts = facts
    this.ends = [new FaultyEnd(this, nodes[0], random), new FaultyEnd(this, nodes[1], random)]
    this.ends[0].other = this.ends[1]
    this.ends[1].other = this.ends[0]
  }

  get isAlive(): boolean {
    return this.ends.every((end) => !end.hasEnded)
  }

  get isWhole(): boolean {
    return this.isAlive && this.ends.every((end) => !end.isStalled)
  }

  /** Dies: what is under way is lost. Each end learns it after its own time; undefined: never by itself. */
  kill(toldAfterMs: readonly [number | undefined, number | undefined]): void {
    for (const [index, end] of this.ends.entries()) end.die(toldAfterMs[index])
  }
}

export class FaultyEnd implements Channel {
  readonly maxMessageBytes = 16 * 1024 - 16
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  other!: FaultyEnd
  hasEnded = false
  /** Sees what this end sends. */
  tap: (message: Uint8Array) => void = () => {}
  /** What this end sends is held. */
  isStalled = false
  readonly #link: FaultyLink
  readonly #node: SimulatedNode
  readonly #random: Random
  readonly #slot = new MessageSlot({ waitingBytesMax: SLOT_BYTES_MAX })
  #resolveClosed: (reason: CloseReason) => void = () => {}
  #isClosing = false
  #isDead = false
  #isFull = false
  #queued: { readonly bytes: number; readonly arrive: () => void }[] = []
  #queuedBytes = 0
  #isSending = false
  #lastArrivalMs = 0

  constructor(link: FaultyLink, node: SimulatedNode, random: Random) {
    this.#link = link
    this.#node = node
    this.#random = random
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#slot.receive = receive
  }

  send(message: Uint8Array): boolean {
    if (message.byteLength > this.maxMessageBytes) throw new RangeError('too long')
    if (this.hasEnded || this.#isClosing) return false
    const copy = message.slice()
    this.tap(copy)
    this.#enqueue(copy.byteLength, () => this.other.#arrived(copy))
    this.#isFull ||= this.#queuedBytes > HIGH_WATER_BYTES
    return !this.#isFull
  }

  close({ code }: CloseReason = FINISHED): void {
    if (this.hasEnded || this.#isClosing) return
    this.#isClosing = true
    this.#enqueue(0, () => this.other.#end({ by: 'peer', code }))
    this.#end({ by: 'us', code })
  }

  abort(error: SwarmError): void {
    if (this.hasEnded) return
    this.#queued = []
    const lost = new SwarmError('The other end went away.', { code: 'ERR_TEST_LOST' })
    this.#enqueue(0, () => this.other.#end({ by: 'peer', code: 1, error: lost }))
    this.#end({ by: 'us', code: 1, error })
  }

  die(toldAfterMs: number | undefined): void {
    this.#isDead = true
    this.#queued = []
    const error = new SwarmError('The link died.', { code: 'ERR_TEST_DEAD' })
    if (toldAfterMs !== undefined) this.#node.after(toldAfterMs, () => this.#end({ by: 'peer', code: 1, error }))
  }

  stall(): void {
    this.isStalled = true
  }

  resume(): void {
    if (!this.isStalled) return
    this.isStalled = false
    this.#sendNext()
  }

  #enqueue(bytes: number, arrive: () => void): void {
    if (this.#isDead) return
    this.#queued.push({ bytes, arrive })
    this.#queuedBytes += bytes
    this.#sendNext()
  }

  /** One message after another, at the link's bandwidth. */
  #sendNext(): void {
    const next = this.#queued[0]
    if (!next || this.#isSending || this.isStalled) return
    this.#isSending = true
    const { bytesPerMs, delayMs, jitter } = this.#link.facts
    this.#node.time.after(next.bytes / bytesPerMs, () => {
      this.#isSending = false
      if (this.#isDead || this.#queued[0] !== next) return
      if (this.isStalled) return
      this.#queued.shift()
      this.#queuedBytes -= next.bytes
      const wobble = 1 + jitter * (2 * this.#random.fraction() - 1)
      const arrivalMs = Math.max(this.#lastArrivalMs, this.#node.time.nowMs + delayMs * wobble)
      this.#lastArrivalMs = arrivalMs
      this.other.#node.at(arrivalMs, () => {
        if (!this.#isDead) next.arrive()
      })
      if (this.#queuedBytes === 0 && this.#isFull && !this.hasEnded) {
        this.#isFull = false
        this.#node.after(0, () => {
          if (!this.hasEnded) this.onDrain()
        })
      }
      this.#sendNext()
    })
  }

  #arrived(message: Uint8Array): void {
    if (!this.hasEnded) this.#slot.push(message)
  }

  #end(reason: CloseReason): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.#resolveClosed(reason)
  }
}
