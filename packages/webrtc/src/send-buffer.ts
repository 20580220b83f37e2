import type { Clock, Timer } from '@resilient-swarm/contract'
import { BUFFERED_BYTES_HIGH, BUFFERED_BYTES_LOW, BUFFERED_BYTES_MAX, DRAIN_POLL_MS } from './limits.ts'

export interface SendBufferOptions {
  readonly rtc: RTCDataChannel
  readonly clock: Clock
  readonly onDrain: () => void
  readonly onOverflow: () => void
}

/** Watches how much waits in a data channel: by its own event where it has one, by looking where it has none. */
export class SendBuffer {
  readonly #rtc: RTCDataChannel
  readonly #options: SendBufferOptions
  readonly #tellsDrain: boolean
  /** At least what waits: sums up between two looks, for a look costs a call into native code. */
  #atMostBytes = 0
  #isFull = false
  #poll: Timer | undefined

  constructor(options: SendBufferOptions) {
    const { rtc } = options
    this.#rtc = rtc
    this.#options = options
    this.#tellsDrain = typeof rtc.bufferedAmountLowThreshold === 'number'
    if (!this.#tellsDrain) return
    rtc.bufferedAmountLowThreshold = BUFFERED_BYTES_LOW
  }

  /** Counts what was just sent. False: wait for `onDrain`. */
  add(byteCount: number): boolean {
    this.#atMostBytes += byteCount
    if (this.#atMostBytes < BUFFERED_BYTES_HIGH) return true
    this.#atMostBytes = this.#rtc.bufferedAmount
    // Without the event a sender pauses after every refill: a loop that never yields would not see a poll either.
    if (this.#tellsDrain && this.#atMostBytes < BUFFERED_BYTES_HIGH && !this.#isFull) return true
    this.#isFull = true
    // Only now: a channel that carries a message at a time runs empty after each.
    if (this.#tellsDrain) this.#rtc.onbufferedamountlow ??= () => this.#look()
    if (this.#atMostBytes > BUFFERED_BYTES_MAX) this.#options.onOverflow()
    else if (!this.#tellsDrain) this.#schedule()
    return false
  }

  stop(): void {
    this.#isFull = false
    this.#poll?.cancel()
    this.#rtc.onbufferedamountlow = null
  }

  #schedule(): void {
    this.#poll ??= this.#options.clock.setTimer(DRAIN_POLL_MS, () => {
      this.#poll = undefined
      this.#look()
    })
  }

  #look(): void {
    if (!this.#isFull) return
    this.#atMostBytes = this.#rtc.bufferedAmount
    // The event may be of an earlier emptiness; then another one follows.
    if (this.#atMostBytes <= BUFFERED_BYTES_LOW) {
      this.#isFull = false
      this.#rtc.onbufferedamountlow = null
      this.#options.onDrain()
    } else if (!this.#tellsDrain) {
      this.#schedule()
    }
  }
}
