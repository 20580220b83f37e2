import type { Clock, Timer } from '@resilient-swarm/contract'
import { FIRST_PINGS_MS, IN_USE_MS, LATENESS_FORGIVEN_MS, PING_BACKUP_IDLE_MS, PING_IDLE_MS, PING_IN_USE_MS } from './limits.ts'
import type { LivePath } from './session-path.ts'

export interface PathWatchOptions {
  readonly clock: Clock
  readonly paths: { readonly live: readonly LivePath[]; readonly sending: LivePath | undefined }
  readonly onSuspected: (path: LivePath) => void
  readonly onDead: (path: LivePath) => void
  /** All were judged; what follows from that is the owner's, who calls `probe` at the end of it. */
  readonly onLooked: () => void
}

/** Asks the paths whether they live, as often as it matters, and judges them. One timer for all. */
export class PathWatch {
  readonly #options: PathWatchOptions
  #timer: Timer | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #usedMs = Number.NEGATIVE_INFINITY
  #isHeldInUse = false
  #hasStopped = false

  constructor(options: PathWatchOptions) {
    this.#options = options
  }

  dataSent(path: LivePath): void {
    const nowMs = this.#options.clock.monotonic()
    path.state.dataSent(nowMs)
    this.used(nowMs)
    this.#wakeBy(nowMs + path.state.roundTrips.silenceMs)
  }

  used(nowMs: number): void {
    const wasInUse = this.#isInUse(nowMs)
    this.#usedMs = nowMs
    if (!wasInUse) this.probe(nowMs)
  }

  setInUse(inUse: boolean): void {
    this.#isHeldInUse = inUse
    this.probe(this.#options.clock.monotonic())
  }

  /** Sends the PINGs that are due, and sets the timer for the next and for the next judgement. */
  probe(nowMs: number): void {
    for (const path of this.#options.paths.live) {
      const intervalMs = this.#pingIntervalMs(path, nowMs)
      path.schedulePing(intervalMs)
      if (path.nextPingMs <= nowMs) {
        path.ping(nowMs)
        path.schedulePing(intervalMs)
      }
      this.#wakeBy(Math.min(path.nextPingMs, path.state.nextJudgementMs(nowMs)))
    }
  }

  stop(): void {
    this.#hasStopped = true
    this.#timer?.cancel()
  }

  #look(): void {
    const nowMs = this.#options.clock.monotonic()
    const lateMs = nowMs - this.#dueMs
    this.#dueMs = Number.POSITIVE_INFINITY
    for (const path of [...this.#options.paths.live]) {
      if (lateMs > LATENESS_FORGIVEN_MS) path.state.stretch(lateMs)
      this.#judge(path, nowMs)
    }
    this.#options.onLooked()
  }

  #judge(path: LivePath, nowMs: number): void {
    const wasSuspected = path.isSuspected
    if (path.state.judge(nowMs) === 'dead') {
      this.#options.onDead(path)
    } else if (path.isSuspected && !wasSuspected) {
      this.#options.onSuspected(path)
      // The others may have to stand in, and may be as dead as this one.
      this.askAll(nowMs)
    }
  }

  /** Pings all that were not pinged just now. */
  askAll(nowMs: number): void {
    for (const one of this.#options.paths.live) if (nowMs - one.lastPingMs >= FIRST_PINGS_MS) one.ping(nowMs)
  }

  #pingIntervalMs(path: LivePath, nowMs: number): number {
    if (path.isSuspected || this.#isInUse(nowMs)) return PING_IN_USE_MS
    return path === this.#options.paths.sending ? PING_IDLE_MS : PING_BACKUP_IDLE_MS
  }

  #isInUse(nowMs: number): boolean {
    return this.#isHeldInUse || nowMs - this.#usedMs < IN_USE_MS
  }

  #wakeBy(atMs: number): void {
    if (this.#hasStopped || atMs >= this.#dueMs) return
    const { clock } = this.#options
    this.#timer?.cancel()
    this.#dueMs = atMs
    this.#timer = clock.setTimer(atMs - clock.monotonic(), () => this.#look())
  }
}
