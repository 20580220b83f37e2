/** How one direction of a line treats packets. */
export interface LineShape {
  /** One way. */
  readonly delayMs: number
  /** The delay varies by so much of itself, up and down: 0.3 is ±30 %. Packets keep their order. */
  readonly jitter: number
  /** The part of packets that vanishes. */
  readonly loss: number
  /** The part of packets that overtakes all that are under way. */
  readonly reorder: number
}

export const CLEAR: LineShape = Object.freeze({ delayMs: 0, jitter: 0, loss: 0, reorder: 0 })

/** A shape out of untrusted parts: what is missing stays as it was; a RangeError names what makes no sense. */
export function changeShape(before: LineShape, change: object): LineShape {
  const shape: LineShape = { ...before, ...change }
  for (const [name, value] of Object.entries(shape)) {
    if (!Object.hasOwn(CLEAR, name)) throw new RangeError(`a line has no ${name}; it has ${Object.keys(CLEAR).join(', ')}`)
    const max = name === 'delayMs' ? DELAY_MS_MAX : 1
    if (!(typeof value === 'number' && value >= 0 && value <= max)) throw new RangeError(`${name} is from 0 to ${max}`)
  }
  return shape
}

/** A line to the moon and back. */
const DELAY_MS_MAX = 10_000
/** Packets under way in one direction; more are lost, as in a full router. 12 MB, or 100 Mb/s for a second. */
export const LANE_PACKETS_MAX = 8_192

interface Waiting {
  readonly packet: Uint8Array
  readonly dueMs: number
}

/** One direction of a line: decides when each packet leaves, or that it never does. Times are handed in. */
export class Lane {
  shape: LineShape = CLEAR
  readonly counters = { taken: 0, lost: 0, overflowed: 0, overtook: 0 }
  readonly #fraction: () => number
  readonly #emit: (packet: Uint8Array) => void
  #waiting: Waiting[] = []
  #first = 0

  /** `fraction` is in [0, 1); `emit` gets each packet when it leaves and does not keep it. */
  constructor({ fraction, emit }: { fraction: () => number; emit: (packet: Uint8Array) => void }) {
    this.#fraction = fraction
    this.#emit = emit
  }

  /** Takes a packet in; it is copied when it has to wait. */
  take(packet: Uint8Array, nowMs: number): void {
    const { delayMs, jitter, loss, reorder } = this.shape
    this.counters.taken += 1
    if (loss > 0 && this.#fraction() < loss) {
      this.counters.lost += 1
      return
    }
    const overtakes = reorder > 0 && this.#fraction() < reorder
    if (overtakes || (delayMs === 0 && this.#size === 0)) {
      if (overtakes) this.counters.overtook += 1
      this.#emit(packet)
      return
    }
    if (this.#size >= LANE_PACKETS_MAX) {
      this.counters.overflowed += 1
      return
    }
    const varied = jitter === 0 ? delayMs : delayMs * (1 + jitter * (2 * this.#fraction() - 1))
    const last = this.#waiting.at(-1)
    this.#waiting.push({ packet: packet.slice(), dueMs: Math.max(nowMs + varied, last?.dueMs ?? 0) })
  }

  /** Lets those leave whose time has come. */
  release(nowMs: number): void {
    for (let next = this.#next; next && next.dueMs <= nowMs; next = this.#next) {
      this.#first += 1
      this.#emit(next.packet)
    }
    if (this.#first === this.#waiting.length || this.#first > LANE_PACKETS_MAX) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
  }

  /** When the next packet leaves; undefined when none waits. */
  get dueMs(): number | undefined {
    return this.#next?.dueMs
  }

  get #next(): Waiting | undefined {
    return this.#waiting[this.#first]
  }

  get #size(): number {
    return this.#waiting.length - this.#first
  }
}
