import type { Clock } from '@resilient-swarm/contract'

export interface TokenRateOptions {
  readonly bytesPerSecond: number
  readonly burstBytes: number
  readonly clock: Clock
}

/**
 * A rate of bytes. Whoever may go takes all it has, on credit if need be, and the next waits until that is paid: so no more
 * than burst, rate × time and one piece ever went, and no piece is cut for the rate's sake.
 */
export class TokenRate {
  readonly #bytesPerSecond: number
  readonly #burstBytes: number
  readonly #clock: Clock
  #tokens: number
  #atMs: number

  constructor({ bytesPerSecond, burstBytes, clock }: TokenRateOptions) {
    this.#bytesPerSecond = bytesPerSecond
    this.#burstBytes = burstBytes
    this.#clock = clock
    this.#tokens = burstBytes
    this.#atMs = clock.monotonic()
  }

  /** How long to wait before the next piece; 0: go on. */
  delayMs(): number {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return 0
    const nowMs = this.#clock.monotonic()
    const flowedIn = (Math.max(0, nowMs - this.#atMs) * this.#bytesPerSecond) / 1000
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + flowedIn)
    this.#atMs = nowMs
    return this.#tokens > 0 ? 0 : Math.max(1, Math.ceil((-this.#tokens * 1000) / this.#bytesPerSecond))
  }

  take(byteCount: number): void {
    if (this.#bytesPerSecond !== Number.POSITIVE_INFINITY) this.#tokens -= byteCount
  }
}
