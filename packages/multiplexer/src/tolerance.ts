import { type Bucket, type Clock, fullBucket, takeToken } from '@resilient-swarm/contract'
import { CLOSE_CODES, ProtocolViolation } from './errors.ts'
import {
  LATE_FRAMES_PER_SUBSTREAM,
  OPENS_BURST,
  OPENS_PER_SECOND,
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

const OPENS = { burst: OPENS_BURST, perSecond: OPENS_PER_SECOND }
const REFUSALS = { burst: REFUSED_OPENS_BURST, perSecond: REFUSED_OPENS_PER_SECOND }

/** What a peer may open: too many are refused; one that goes on after many refusals loses its session. */
export class OpenRate {
  readonly #clock: Clock
  #opens: Bucket
  #refusals: Bucket

  constructor(clock: Clock) {
    this.#clock = clock
    this.#opens = fullBucket(OPENS, clock.monotonic())
    this.#refusals = fullBucket(REFUSALS, clock.monotonic())
  }

  /** Whether to accept one more open; `hasRoom` says that the peer has substreams left. */
  accepts({ hasRoom }: { hasRoom: boolean }): boolean {
    const nowMs = this.#clock.monotonic()
    const open = takeToken(this.#opens, OPENS, nowMs)
    this.#opens = open.bucket
    if (open.allowed && hasRoom) return true
    const refusal = takeToken(this.#refusals, REFUSALS, nowMs)
    this.#refusals = refusal.bucket
    if (refusal.allowed) return false
    throw new ProtocolViolation(CLOSE_CODES.openFlood, 'more opens than are allowed, again and again')
  }
}
