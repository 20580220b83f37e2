import type { Clock } from '@resilient-swarm/contract'

interface Waiting {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

/** A clock that only moves when told to. Timers fire in order of time, then of setting. */
export interface VirtualClock extends Clock {
  /** Moves on by `ms`, firing what falls due, and lets promises settle between timers. */
  advance(ms: number): Promise<void>
  /** How many timers wait. */
  readonly pending: number
}

const SETTLE_ROUNDS = 20

/** `startMs` is what `now()` says at the beginning; `monotonic()` begins at 0. */
export function createVirtualClock({ startMs = 1_700_000_000_000 }: { startMs?: number } = {}): VirtualClock {
  let elapsed = 0
  let order = 0
  const waiting = new Set<Waiting>()
  const next = (until: number): Waiting | undefined => {
    let first: Waiting | undefined
    for (const timer of waiting) {
      if (timer.at > until) continue
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer
    }
    return first
  }
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    setTimer(delayMs, fire) {
      const timer = { at: elapsed + Math.max(0, delayMs), order: order++, fire }
      waiting.add(timer)
      return { cancel: () => void waiting.delete(timer) }
    },
    get pending() {
      return waiting.size
    },
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (let timer = next(until); timer; timer = next(until)) {
        waiting.delete(timer)
        elapsed = Math.max(elapsed, timer.at)
        timer.fire()
        await settle()
      }
      elapsed = until
      await settle()
    },
  }
}

/** Lets promise callbacks run: several turns of the micro-task queue and one of the event loop. */
export async function settle(): Promise<void> {
  for (let round = 0; round < SETTLE_ROUNDS; round++) await Promise.resolve()
  await new Promise<void>((resolve) => setImmediate(resolve))
}
