import type { Clock, Timer } from '@resilient-swarm/contract'
import { ACK_DELAY_MS, FRAME_COST_BYTES } from './limits.ts'

export interface AcknowledgerOptions {
  readonly clock: Clock
  readonly afterBytes: number
  /** An ACK of its own is due. */
  readonly send: () => void
}

/** Knows what was received and not yet acknowledged, and when that must be told. One timer, never one for each message. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions
  #owedBytes = 0
  #sinceMs: number | undefined
  #isForced = false
  #timer: Timer | undefined

  constructor(options: AcknowledgerOptions) {
    this.#options = options
  }

  /**
   * DATA came. `isForced`: the peer sent it again, so what was told has not arrived, and an ACK on the way that DATA took must
   * go out whatever else carries one.
   */
  owe({ byteCount, nowMs, isForced }: { byteCount: number; nowMs: number; isForced: boolean }): void {
    this.#sinceMs ??= nowMs
    this.#isForced ||= isForced
    this.#owedBytes += byteCount + FRAME_COST_BYTES
    if (this.#owedBytes >= this.#options.afterBytes) this.#options.send()
    else if (!this.#timer) this.#wait(ACK_DELAY_MS)
  }

  /** DATA of ours carried everything there is to tell. */
  carried(): void {
    if (!this.#isForced) this.told()
  }

  /** An ACK went out. */
  told(): void {
    this.#owedBytes = 0
    this.#sinceMs = undefined
    this.#isForced = false
  }

  stop(): void {
    this.#timer?.cancel()
    this.told()
  }

  #wait(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined
      if (this.#sinceMs === undefined) return
      const restMs = this.#sinceMs + ACK_DELAY_MS - this.#options.clock.monotonic()
      if (restMs > 0) this.#wait(restMs)
      else this.#options.send()
    })
  }
}
