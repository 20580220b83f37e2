import {
  DEAD_QUIET_MS,
  DEAD_UNANSWERED_MS,
  FAILURES_FORGOTTEN_MS,
  ONE_WAY_DEAD_MS,
  ONE_WAY_MS,
  PINGS_OUTSTANDING_MAX,
  PROBATION_MS,
  PROBATION_MS_MAX,
} from './limits.ts'
import { RoundTrips } from './round-trips.ts'

/** `suspected`: what is under way on it is duplicated elsewhere. `failed`: another path takes over. `dead`: it is closed. */
export type Verdict = 'well' | 'suspected' | 'failed' | 'dead'

/**
 * Judges one path by what was heard, proven and is outstanding on it. Proof is what shows that our own direction works: a PONG, or an
 * acknowledgement of DATA that only this path carried. Knows no clock: every time is handed in, in monotonic ms.
 */
export class PathState {
  readonly roundTrips = new RoundTrips()
  #heardMs: number
  #provenMs: number
  #dataSinceMs: number | undefined
  #pings: { readonly id: number; readonly sentMs: number }[] = []
  #graceMs = 0
  #isSuspected = false
  #failures = 0
  #wellSinceMs: number

  constructor(nowMs: number) {
    this.#heardMs = nowMs
    this.#provenMs = nowMs
    this.#wellSinceMs = nowMs
  }

  get isSuspected(): boolean {
    return this.#isSuspected
  }

  /** From when on it may be chosen again, after it failed. */
  get trustedFromMs(): number {
    if (this.#failures === 0) return Number.NEGATIVE_INFINITY
    return this.#wellSinceMs + Math.min(PROBATION_MS_MAX, PROBATION_MS * 2 ** (this.#failures - 1))
  }

  /** Any frame came. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs
    this.#graceMs = 0
  }

  /** DATA went out while none was outstanding. */
  dataSent(nowMs: number): void {
    this.#dataSinceMs ??= nowMs
  }

  /** DATA was acknowledged; `isProof` when only this path had carried it. */
  dataAcknowledged({ nowMs, isProof, hasMore }: { nowMs: number; isProof: boolean; hasMore: boolean }): void {
    if (isProof) this.#prove(nowMs)
    if (!hasMore) this.#dataSinceMs = undefined
    else if (isProof) this.#dataSinceMs = nowMs
  }

  /** False: so many are unanswered that this one is not to be sent. */
  pinged(id: number, nowMs: number): boolean {
    if (this.#pings.length >= PINGS_OUTSTANDING_MAX) return false
    this.#pings.push({ id, sentMs: nowMs })
    return true
  }

  /** A PONG; those that answer nothing are ignored. A path keeps order, so older PINGs are answered with it. */
  ponged(id: number, nowMs: number): boolean {
    const index = this.#pings.findIndex((ping) => ping.id === id)
    const ping = this.#pings[index]
    if (!ping) return false
    this.#pings.splice(0, index + 1)
    this.roundTrips.add({ rttMs: Math.max(0, nowMs - ping.sentMs), atMs: nowMs })
    this.#prove(nowMs)
    return true
  }

  /** Our own timers ran late by so much: what we did not hear may be waiting behind them. */
  stretch(lateMs: number): void {
    this.#graceMs += lateMs
  }

  /** Suspicion stays until something is proven. */
  judge(nowMs: number): Verdict {
    const sinceMs = this.#waitingSinceMs()
    if (sinceMs !== undefined) {
      const silenceMs = this.roundTrips.silenceMs
      const quietMs = nowMs - this.#quietFromMs(sinceMs)
      const oneWayMs = nowMs - Math.max(sinceMs, this.#provenMs) - this.#graceMs
      const isQuiet = nowMs - this.#heardMs - this.#graceMs >= DEAD_QUIET_MS
      if ((isQuiet && quietMs >= DEAD_UNANSWERED_MS) || oneWayMs >= ONE_WAY_DEAD_MS) return 'dead'
      if (quietMs >= silenceMs || oneWayMs >= ONE_WAY_MS + silenceMs) this.#suspect()
      if (quietMs >= 2 * silenceMs || oneWayMs >= ONE_WAY_MS + 2 * silenceMs) return 'failed'
    }
    return this.#isSuspected ? 'suspected' : 'well'
  }

  /** When `judge` may say something else, if nothing comes until then. */
  nextJudgementMs(nowMs: number): number {
    const sinceMs = this.#waitingSinceMs()
    if (sinceMs === undefined) return Number.POSITIVE_INFINITY
    const silenceMs = this.roundTrips.silenceMs
    const quietFromMs = this.#quietFromMs(sinceMs)
    const provenMs = Math.max(sinceMs, this.#provenMs) + this.#graceMs
    const times = [
      quietFromMs + silenceMs,
      quietFromMs + 2 * silenceMs,
      Math.max(this.#heardMs + this.#graceMs + DEAD_QUIET_MS, quietFromMs + DEAD_UNANSWERED_MS),
      provenMs + ONE_WAY_MS + silenceMs,
      provenMs + ONE_WAY_MS + 2 * silenceMs,
      provenMs + ONE_WAY_DEAD_MS,
    ]
    return Math.min(...times.filter((timeMs) => timeMs > nowMs))
  }

  /** It was the sending path, and another had to take over. */
  failed(nowMs: number): void {
    this.#failures = nowMs - this.#wellSinceMs > FAILURES_FORGOTTEN_MS ? 1 : this.#failures + 1
  }

  #suspect(): void {
    if (this.#isSuspected) return
    this.#isSuspected = true
    this.roundTrips.forgetRecent()
  }

  #prove(nowMs: number): void {
    this.#provenMs = nowMs
    if (!this.#isSuspected) return
    this.#isSuspected = false
    this.#wellSinceMs = nowMs
  }

  #waitingSinceMs(): number | undefined {
    const pingMs = this.#pings[0]?.sentMs
    if (pingMs === undefined || this.#dataSinceMs === undefined) return pingMs ?? this.#dataSinceMs
    return Math.min(pingMs, this.#dataSinceMs)
  }

  #quietFromMs(sinceMs: number): number {
    return Math.max(sinceMs, this.#heardMs, this.#provenMs) + this.#graceMs
  }
}
