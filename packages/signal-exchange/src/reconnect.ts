import { RECONNECT_MS_MAX, RECONNECT_MS_MIN } from './limits.ts'

/**
 * The pause before dialling a server again, in ms. `failures` counts those in a row, from 1; `fraction` in [0, 1) is chance:
 * half of each pause is jitter, so that the clients of a server that restarts do not come back all at once.
 */
export function reconnectDelayMs({ failures, fraction }: { failures: number; fraction: number }): number {
  const doublings = Math.min(Math.max(0, failures - 1), 30) // 2³⁰ × 200 ms is beyond any cap
  const whole = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** doublings)
  return whole / 2 + (whole / 2) * fraction
}
