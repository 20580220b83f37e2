/** A timer that was set; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void
}

/** Time. `now` is the wall clock in ms since 1970 (may jump), `monotonic` ms that only grow. */
export interface Clock {
  now(): number
  monotonic(): number
  setTimer(delayMs: number, fire: () => void): Timer
}

/** Chance. `bytes` is fit for keys; `fraction` is in [0, 1) and for jitter and picks only. */
export interface Random {
  bytes(count: number): Uint8Array
  fraction(): number
}

/** Noise. Messages are sentences; fields are plain data without secrets. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
}

/** The only door to time, chance and noise: tests put a virtual clock and a seeded random behind it. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const TIMER_DELAY_MS_MAX = 0x7fff_ffff // beyond it setTimeout fires at once

const silent: Log = { debug() {}, info() {}, warn() {} }

/** The real clock and the platform's random source; silent unless a log is given. */
export function createRuntime({ log = silent }: { log?: Log } = {}): Runtime {
  return {
    log,
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      setTimer(delayMs, fire) {
        const timer = setTimeout(fire, Math.min(Math.max(delayMs, 0), TIMER_DELAY_MS_MAX))
        return { cancel: () => clearTimeout(timer) }
      },
    },
    random: {
      bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      fraction: () => Math.random(),
    },
  }
}
