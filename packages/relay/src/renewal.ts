import type { Clock, Timer } from '@resilient-swarm/contract'
import { RENEW_AT_PART } from './limits.ts'

export interface RenewalOptions {
  readonly clock: Clock
  readonly durationMs: number
  readonly ask: () => void
}

/** Asks for a circuit's time again while it is in use, and lets one that nobody uses run out. */
export class Renewal {
  readonly #options: RenewalOptions
  #timer: Timer | undefined
  #isUsed = false
  #isDue = false

  constructor(options: RenewalOptions) {
    this.#options = options
    this.#begin(options.durationMs)
  }

  /** A message went or came. */
  used(): void {
    this.#isUsed = true
    if (this.#isDue) this.#ask()
  }

  renewed(durationMs: number): void {
    this.#begin(durationMs)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#isDue = false
  }

  #begin(durationMs: number): void {
    this.stop()
    this.#isUsed = false
    this.#timer = this.#options.clock.setTimer(durationMs * RENEW_AT_PART, () => {
      this.#isDue = true
      if (this.#isUsed) this.#ask()
    })
  }

  /** Once; the next turn begins with the relay's answer. */
  #ask(): void {
    this.#isDue = false
    this.#options.ask()
  }
}
