import type { Clock, Timer } from '@resilient-swarm/contract'

export interface Expiring {
  /** By `clock.monotonic()`. */
  readonly deadlineMs: number
  expire(): void
}

/** One timer for many deadlines: it stands at the earliest, so an ordinary call sets none. */
export class Deadlines {
  readonly #clock: Clock
  readonly #live: () => Iterable<Expiring>
  #timer: Timer | undefined
  #armedMs = Number.POSITIVE_INFINITY

  /** `live` are those that still count when the timer fires; `expire` must take its own out of them. */
  constructor({ clock, live }: { clock: Clock; live: () => Iterable<Expiring> }) {
    this.#clock = clock
    this.#live = live
  }

  watch(deadlineMs: number): void {
    if (deadlineMs >= this.#armedMs) return
    this.#timer?.cancel()
    this.#armedMs = deadlineMs
    this.#timer = this.#clock.setTimer(deadlineMs - this.#clock.monotonic(), () => this.#sweep())
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedMs = Number.POSITIVE_INFINITY
  }

  #sweep(): void {
    this.cancel()
    const nowMs = this.#clock.monotonic()
    let nextMs = Number.POSITIVE_INFINITY
    for (const entry of [...this.#live()]) {
      if (entry.deadlineMs <= nowMs) entry.expire()
      else nextMs = Math.min(nextMs, entry.deadlineMs)
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.watch(nextMs)
  }
}
