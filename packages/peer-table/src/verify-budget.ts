import type { Runtime } from '@resilient-swarm/contract'
import { VERIFIES_BURST, VERIFIES_PER_SECOND, VERIFIES_PER_TURN } from './limits.ts'

const MS_PER_SECOND = 1000
/** Checks further apart than this had other work between them. */
const SAME_TURN_MS = 5

/** Signature checks cost; those that strangers cause come out of one bucket, and leave room for other work in between. */
export class VerifyBudget {
  readonly #runtime: Runtime
  readonly #signal: AbortSignal
  #tokens = VERIFIES_BURST
  #atMs: number
  #turn = 0
  /** Those who wait for checks, oldest first, and those who only pause; told false when the table ends. */
  readonly #waiting = new Set<(isGranted: boolean) => void>()
  readonly #pausing = new Set<() => void>()
  #timer: { cancel(): void } | undefined

  /** The signal ends it. It has one listener for all who wait: a flood has many. */
  constructor(runtime: Runtime, signal: AbortSignal) {
    this.#runtime = runtime
    this.#signal = signal
    this.#atMs = runtime.clock.monotonic()
    signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** True: go ahead. False: `wait` for it; those who wait go first. */
  take(): boolean {
    if (this.#waiting.size > 0) return false
    this.#refill()
    if (this.#tokens < 1 || this.#turn >= VERIFIES_PER_TURN) return false
    this.#tokens -= 1
    this.#turn += 1
    return true
  }

  /** Until it is our turn, one after the other, so that no peer's flood takes the others' share. False: the table ends. */
  wait(): Promise<boolean> {
    if (this.#signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      this.#wakeLater()
    })
  }

  /** Lets other work have its turn. */
  pause(): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.#pausing.delete(done)
        resolve()
      }
      const timer = this.#runtime.clock.setTimer(0, done)
      this.#pausing.add(done)
    })
  }

  #end(): void {
    this.#timer?.cancel()
    for (const resolve of this.#waiting) resolve(false)
    this.#waiting.clear()
    for (const done of [...this.#pausing]) done()
  }

  #refill(): void {
    const nowMs = this.#runtime.clock.monotonic()
    this.#tokens = Math.min(VERIFIES_BURST, this.#tokens + ((nowMs - this.#atMs) / MS_PER_SECOND) * VERIFIES_PER_SECOND)
    if (nowMs - this.#atMs > SAME_TURN_MS) this.#turn = 0
    this.#atMs = nowMs
  }

  #wakeLater(): void {
    if (this.#timer) return
    this.#refill()
    const delayMs = this.#tokens < 1 ? Math.ceil(((1 - this.#tokens) / VERIFIES_PER_SECOND) * MS_PER_SECOND) : 0
    this.#timer = this.#runtime.clock.setTimer(delayMs, () => this.#wake())
  }

  /** A turn's worth of checks to those who wait longest. */
  #wake(): void {
    this.#timer = undefined
    this.#refill()
    this.#turn = 0
    for (const grant of [...this.#waiting]) {
      if (this.#tokens < 1 || this.#turn >= VERIFIES_PER_TURN) break
      this.#tokens -= 1
      this.#turn += 1
      this.#waiting.delete(grant)
      grant(true)
    }
    if (this.#waiting.size > 0) this.#wakeLater()
  }
}
