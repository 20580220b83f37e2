import { CLOSE_CODES } from './close-codes.ts'
import { ProtocolViolation } from './errors.ts'
import { FRAME_COST_BYTES, FRAMES_AHEAD_MAX } from './limits.ts'

/** What one `seq` holds: a message, or the end with its code. */
export type Item = Uint8Array | { readonly code: number }

/** Puts what comes by several paths in order, and drops what it has. Knows neither time nor channels. */
export class ReceiveOrder {
  readonly #keptBytesMax: number
  readonly #kept = new Map<number, Item>()
  #keptBytes = 0
  #nextSeq = 0
  #closeSeq = Number.POSITIVE_INFINITY

  constructor({ keptBytesMax }: { keptBytesMax: number }) {
    this.#keptBytesMax = keptBytesMax
  }

  /** The next `seq` that is expected; all before it was handed on. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  get keptBytes(): number {
    return this.#keptBytes
  }

  /** True while something waits for what is missing before it, or for `take`. */
  get hasNext(): boolean {
    return this.#kept.has(this.#nextSeq)
  }

  /** `next`: hand it on now, then `take` until there is nothing. Throws a ProtocolViolation beyond the bounds. */
  add(seq: number, item: Item): 'next' | 'kept' | 'had' {
    this.#checkEnd(seq, item)
    if (seq < this.#nextSeq || this.#kept.has(seq)) return 'had'
    if (seq === this.#nextSeq) {
      this.#nextSeq++
      return 'next'
    }
    const bytes = costOf(item)
    const ahead = seq - this.#nextSeq
    const isFar = ahead >= FRAMES_AHEAD_MAX || ahead * FRAME_COST_BYTES > this.#keptBytesMax
    if (isFar || this.#keptBytes + bytes > this.#keptBytesMax) {
      throw new ProtocolViolation(
        CLOSE_CODES.windowExceeded,
        `DATA ${seq} is further ahead of ${this.#nextSeq} than a window reaches`,
      )
    }
    this.#kept.set(seq, item)
    this.#keptBytes += bytes
    return 'kept'
  }

  /** The next item in order, if it is here. */
  take(): Item | undefined {
    const item = this.#kept.get(this.#nextSeq)
    if (item === undefined) return undefined
    this.#kept.delete(this.#nextSeq++)
    this.#keptBytes -= costOf(item)
    return item
  }

  clear(): void {
    this.#kept.clear()
    this.#keptBytes = 0
  }

  #checkEnd(seq: number, item: Item): void {
    const isKnown = this.#closeSeq !== Number.POSITIVE_INFINITY
    if (seq > this.#closeSeq || (isKnown && isClose(item) && seq !== this.#closeSeq)) {
      throw new ProtocolViolation(CLOSE_CODES.afterClose, 'DATA behind CLOSE, or a second CLOSE')
    }
    if (isKnown || !isClose(item)) return
    for (const kept of this.#kept.keys()) {
      if (kept > seq) throw new ProtocolViolation(CLOSE_CODES.afterClose, 'CLOSE before DATA that was sent already')
    }
    this.#closeSeq = seq
  }
}

export function isClose(item: Item): item is { readonly code: number } {
  return 'code' in item
}

function costOf(item: Item): number {
  return FRAME_COST_BYTES + (isClose(item) ? 0 : item.byteLength)
}
