import type { Clock } from '@resilient-swarm/contract'
import { CLOSE_CODES, ProtocolViolation } from './errors.ts'
import {
  LATE_FRAMES_PER_SUBSTREAM,
  PLAIN_LATE_BYTES_PER_SUBSTREAM,
  REFUSED_OPENS_BURST,
  REFUSED_OPENS_PER_SECOND,
} from './limits.ts'

/**
 * Frames for a substream that ended here while they were under way. Each substream that ends leaves exactly as much room
 * as its peer can have under way, so an honest peer never runs out and a lying one cannot talk to the dead for ever.
 */
export class LateFrames {
  #bytes = 0
  #frames = 0
  readonly #flowControl: boolean

  constructor({ flowControl }: { flowControl: boolean }) {
    this.#flowControl = flowControl
  }

  allow(outstandingBytes: number): void {
    this.#bytes += this.#flowControl ? outstandingBytes : PLAIN_LATE_BYTES_PER_SUBSTREAM
    this.#frames += LATE_FRAMES_PER_SUBSTREAM
  }

  /** Data is counted by its bytes, any other frame (0 bytes) as one. */
  take(byteCount: number): void {
    if (byteCount > 0) this.#bytes -= byteCount
    else this.#frames--
    if (this.#bytes < 0 || this.#frames < 0) {
      throw new ProtocolViolation(CLOSE_CODES.lateFlood, 'more frames for ended substreams than can have been under way')
    }
  }
}

/** A bucket of opens beyond the limit: a peer that has missed some resets is forgiven, one that tries on and on is not. */
export class RefusedOpens {
  #left = REFUSED_OPENS_BURST
  #countedMs: number
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    this.#countedMs = clock.monotonic()
  }

  take(): void {
    const nowMs = this.#clock.monotonic()
    this.#left = Math.min(REFUSED_OPENS_BURST, this.#left + ((nowMs - this.#countedMs) / 1000) * REFUSED_OPENS_PER_SECOND)
    this.#countedMs = nowMs
    if (this.#left < 1) throw new ProtocolViolation(CLOSE_CODES.openFlood, 'substreams beyond the limit, again and again')
    this.#left--
  }
}
