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

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#atMs = runtime.clock.monotonic()
  }

  /** True: go ahead. False: `wait` first, then ask again. What no stranger caused is `free` and only takes turns. */
  take({ free = false }: { readonly free?: boolean } = {}): boolean {
    const nowMs = this.#runtime.clock.monotonic()
    this.#tokens = Math.min(VERIFIES_BURST, this.#tokens + ((nowMs - this.#atMs) / MS_PER_SECOND) * VERIFIES_PER_SECOND)
    if (nowMs - this.#atMs > SAME_TURN_MS) this.#turn = 0
    this.#atMs = nowMs
    if ((this.#tokens < 1 && !free) || this.#turn >= VERIFIES_PER_TURN) return false
    if (!free) this.#tokens -= 1
    this.#turn += 1
    return true
  }

  /** Until there is a token, or just until others had their turn. */
  wait(signal: AbortSignal): Promise<void> {
    const delayMs = this.#tokens < 1 ? Math.ceil(((1 - this.#tokens) / VERIFIES_PER_SECOND) * MS_PER_SECOND) : 0
    return new Promise((resolve) => {
      const done = (): void => {
        this.#turn = 0
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#runtime.clock.setTimer(delayMs, done)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    })
  }
}
