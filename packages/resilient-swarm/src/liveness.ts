import { type Clock, type Scope, SwarmError } from '@resilient-swarm/contract'
import { FIRST_PINGS_MS, LATENESS_FORGIVEN_MS, PING_INTERVAL_MS } from './limits.ts'

export interface LivenessOptions {
  readonly clock: Clock
  readonly scope: Scope
  /** Resolves with the answer; rejects when none came in time, with ERR_RPC_BUSY when it could not be asked. */
  readonly ping: () => Promise<void>
  readonly onRtt: (rttMs: number) => void
  readonly onLost: (error: SwarmError) => void
}

/**
 * Pings as long as the scope lives, and says so when an answer fails to come. When this node's own timers ran late in
 * that time (it slept, was hidden or busy) the answer may be waiting behind them, so the peer gets another chance.
 */
export function watchLiveness({ clock, scope, ping, onRtt, onLost }: LivenessOptions): void {
  let dueMs = clock.monotonic()
  let forgivingUntilMs = 0
  next()
  for (const delayMs of FIRST_PINGS_MS) scope.timer(clock, delayMs, () => void measure())

  function next(): void {
    dueMs = clock.monotonic() + PING_INTERVAL_MS
    scope.timer(clock, PING_INTERVAL_MS, tick)
    void measure()
  }

  function tick(): void {
    const nowMs = clock.monotonic()
    if (nowMs - dueMs > LATENESS_FORGIVEN_MS) forgivingUntilMs = nowMs + PING_INTERVAL_MS
    next()
  }

  async function measure(): Promise<void> {
    const sentMs = clock.monotonic()
    try {
      await ping()
      if (!scope.isClosed) onRtt(clock.monotonic() - sentMs)
    } catch (error) {
      if (scope.isClosed || isBusy(error)) return
      if (clock.monotonic() >= forgivingUntilMs) onLost(error as SwarmError)
    }
  }
}

/** A ping that waits behind the application's own calls says nothing about the peer. */
function isBusy(error: unknown): boolean {
  return error instanceof SwarmError && error.code === 'ERR_RPC_BUSY'
}
