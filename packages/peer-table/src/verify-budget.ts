import type { Runtime } from '@resilient-swarm/contract'
import { VERIFIES_BURST, VERIFIES_PER_SECOND, VERIFIES_PER_TURN } from './limits.ts'

const MS_PER_SECOND = 1000
/** Checks further apart than this had other work between them. */
const SAME_TURN_MS = 5

/** Signature checks cost; those that strangers cause come out of one bucket, and leave room for other work in between. */
export class VerifyBudget {
  readonly #runtime: Runtime
  #tokens = VERIFIES_BURST
  #atMs: number
  #turn = 0
  readonly #waiting = new Set<() => void>()
  #timer: { cancel(): void } | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#atMs = runtime.clock.monotonic()
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

  /** Until it is our turn, one after the other, so that no peer's flood takes the others' share. False: ended by the signal. */
  wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (isGranted: boolean): void => {
        this.#waiting.delete(grant)
        signal.removeEventListener('abort', stop)
        resolve(isGranted)
        if (this.#waiting.size === 0) this.#stopTimer()
      }
      const grant = (): void => done(true)
      const stop = (): void => done(false)
      this.#waiting.add(grant)
      signal.addEventListener('abort', stop)
      if (signal.aborted) stop()
      else this.#wakeLater()
    })
  }

  /** Lets other work have its turn. */
  pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#runtime.clock.setTimer(0, done)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    })
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
      grant()
    }
    if (this.#waiting.size > 0) this.#wakeLater()
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
