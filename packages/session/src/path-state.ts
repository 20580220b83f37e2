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
  #suspectedMs: number | undefined
  #failures = 0
  #wellSinceMs: number

  constructor(nowMs: number) {
    this.#heardMs = nowMs
    this.#provenMs = nowMs
    this.#wellSinceMs = nowMs
  }

  get isSuspected(): boolean {
    return this.#suspectedMs !== undefined
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

  /**
   * DATA was acknowledged; `isProof` when only this path had carried it. It may have arrived before the path fell silent, so it
   * puts suspicion off and does not end it.
   */
  dataAcknowledged({ nowMs, isProof, hasMore }: { nowMs: number; isProof: boolean; hasMore: boolean }): void {
    if (isProof) this.#provenMs = nowMs
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
    this.#provenMs = nowMs
    if (this.#suspectedMs !== undefined) {
      this.#suspectedMs = undefined
      this.#wellSinceMs = nowMs
    }
    // How long a stall took says nothing about the round trips after it.
    if (ping.sentMs < this.#wellSinceMs) this.roundTrips.forgetRecent()
    return true
  }

  /** Our own timers ran late by so much: what we did not hear may be waiting behind them. */
  stretch(lateMs: number): void {
    this.#graceMs += lateMs
    if (this.#suspectedMs !== undefined) this.#suspectedMs += lateMs
  }

  /** Suspicion stays until a PONG comes. */
  judge(nowMs: number): Verdict {
    const sinceMs = this.#waitingSinceMs()
    const silenceMs = this.roundTrips.silenceMs
    if (sinceMs !== undefined) {
      const { quietMs, deadMs, oneWayMs } = this.#deadlines(sinceMs)
      if (nowMs >= Math.min(deadMs, oneWayMs + ONE_WAY_DEAD_MS)) return 'dead'
      if (nowMs >= Math.min(quietMs + silenceMs, oneWayMs + ONE_WAY_MS + silenceMs)) this.#suspectedMs ??= nowMs
    }
    if (this.#suspectedMs === undefined) return 'well'
    return nowMs - this.#suspectedMs >= silenceMs ? 'failed' : 'suspected'
  }

  /** When `judge` may say something else, if nothing comes until then. */
  nextJudgementMs(nowMs: number): number {
    const silenceMs = this.roundTrips.silenceMs
    const times = [(this.#suspectedMs ?? Number.POSITIVE_INFINITY) + silenceMs]
    const sinceMs = this.#waitingSinceMs()
    if (sinceMs !== undefined) {
      const { quietMs, deadMs, oneWayMs } = this.#deadlines(sinceMs)
      times.push(deadMs, oneWayMs + ONE_WAY_DEAD_MS)
      if (this.#suspectedMs === undefined) times.push(quietMs + silenceMs, oneWayMs + ONE_WAY_MS + silenceMs)
    }
    return Math.min(...times.filter((timeMs) => timeMs > nowMs))
  }

  /** It was the sending path, and another had to take over. */
  failed(nowMs: number): void {
    this.#failures = nowMs - this.#wellSinceMs > FAILURES_FORGOTTEN_MS ? 1 : this.#failures + 1
  }

  #waitingSinceMs(): number | undefined {
    const pingMs = this.#pings[0]?.sentMs
    if (pingMs === undefined || this.#dataSinceMs === undefined) return pingMs ?? this.#dataSinceMs
    return Math.min(pingMs, this.#dataSinceMs)
  }

  /** From when on it counts as quiet, as dead, as open in one direction only; something is outstanding since `sinceMs`. */
  #deadlines(sinceMs: number): { readonly quietMs: number; readonly deadMs: number; readonly oneWayMs: number } {
    const quietMs = Math.max(sinceMs, this.#heardMs, this.#provenMs) + this.#graceMs
    const deadMs = Math.max(this.#heardMs + this.#graceMs + DEAD_QUIET_MS, quietMs + DEAD_UNANSWERED_MS)
    return { quietMs, deadMs, oneWayMs: Math.max(sinceMs, this.#provenMs) + this.#graceMs }
  }
}
