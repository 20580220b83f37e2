import type { Runtime } from '@resilient-swarm/contract'
import { VERIFIES_AT_ONCE, VERIFIES_BURST, VERIFIES_PER_SECOND, VERIFIES_PER_TURN, VERIFY_TURN_MS } from './limits.ts'

const MS_PER_SECOND = 1000
/** Checks further apart than this had other work between them: no single check takes as long. */
const SAME_TURN_MS = 20

/** Signature checks cost; those that strangers cause come out of one bucket, and leave room for other work in between. */
export class VerifyBudget {
  readonly #runtime: Runtime
  readonly #signal: AbortSignal
  #tokens = VERIFIES_BURST
  #atMs: number
  /** Checks of this turn, and when it began. */
  #turn = 0
  #turnAtMs: number
  /** Those who wait for checks, oldest first, and those who only pause; told false when the table ends. */
  readonly #waiting = new Set<(isGranted: boolean) => void>()
  readonly #pausing = new Set<() => void>()
  #timer: { cancel(): void } | undefined

  /** The signal ends it. It has one listener for all who wait: a flood has many. */
  constructor(runtime: Runtime, signal: AbortSignal) {
    this.#runtime = runtime
    this.#signal = signal
    this.#atMs = runtime.clock.monotonic()
    this.#turnAtMs = this.#atMs
    signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** True: go ahead. False: `wait` for it; those who wait go first. */
  take(): boolean {
    if (this.#waiting.size > 0) return false
    this.#refill()
    if (this.#tokens < 1 || this.#isTurnOver) return false
    this.#tokens -= 1
    this.#turn += 1
    return true
  }

  /** Until it is our turn, one after the other, so that no peer's flood takes the others' share. False: the table ends. */
  wait(): Promise<boolean> {
    if (this.#signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      this.#serve(1)
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
    if (nowMs - this.#atMs > SAME_TURN_MS) this.#beginTurn(nowMs)
    this.#atMs = nowMs
  }

  #beginTurn(nowMs: number): void {
    this.#turn = 0
    this.#turnAtMs = nowMs
  }

  /** By the time it took where checks are slow, by their number where the clock stands. */
  get #isTurnOver(): boolean {
    return this.#turn >= VERIFIES_PER_TURN || (this.#turn > 0 && this.#atMs - this.#turnAtMs >= VERIFY_TURN_MS)
  }

  #wakeLater(): void {
    if (this.#timer) return
    this.#refill()
    const delayMs = this.#tokens < 1 ? Math.ceil(((1 - this.#tokens) / VERIFIES_PER_SECOND) * MS_PER_SECOND) : 0
    this.#timer = this.#runtime.clock.setTimer(delayMs, () => this.#wake())
  }

  #wake(): void {
    this.#timer = undefined
    this.#beginTurn(this.#runtime.clock.monotonic())
    this.#serve(VERIFIES_AT_ONCE)
  }

  /** One check each to those who wait longest; whoever comes back for more hands the turn on, until it is over. */
  #serve(countMax: number): void {
    this.#refill()
    let left = countMax
    for (const grant of this.#waiting) {
      if (left-- === 0 || this.#tokens < 1 || this.#isTurnOver) break
      this.#tokens -= 1
      this.#turn += 1
      this.#waiting.delete(grant)
      grant(true)
    }
    if (this.#waiting.size > 0) this.#wakeLater()
    else this.#stopTimer()
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
