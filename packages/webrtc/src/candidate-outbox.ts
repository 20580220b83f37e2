import type { Clock, IceCandidate, Scope, Timer } from '@resilient-swarm/contract'
import { checkCandidate } from './candidate-gate.ts'
import { CANDIDATE_BATCH_MS, FIRST_CANDIDATES_MS, LOCAL_CANDIDATES_MAX } from './limits.ts'

export interface CandidateOutboxOptions {
  readonly clock: Clock
  readonly scope: Scope
  /** Called with the description and what candidates there are, once, then with later candidates alone. */
  readonly send: (sdp: string | undefined, candidates: readonly IceCandidate[]) => void
}

/**
 * Collects our own candidates (RFC 8838): the description goes with those of the first 50 ms, or of less when gathering ends
 * before; later ones follow in batches.
 */
export class CandidateOutbox {
  readonly #options: CandidateOutboxOptions
  #sdp: string | undefined
  #mid: string | undefined
  #waiting: string[] = []
  readonly #known = new Set<string>()
  #isGathered = false
  #timer: Pick<Timer, 'cancel'> | undefined

  constructor(options: CandidateOutboxOptions) {
    this.#options = options
  }

  describe({ sdp, mid }: { readonly sdp: string; readonly mid: string }): void {
    this.#sdp = sdp
    this.#mid = mid
    if (this.#isGathered) this.#flush()
    else this.#schedule(FIRST_CANDIDATES_MS)
  }

  add(line: string): void {
    const candidate = checkCandidate(line, { mdns: true })
    if (candidate === undefined || this.#known.has(candidate) || this.#known.size >= LOCAL_CANDIDATES_MAX) return
    this.#known.add(candidate)
    this.#waiting.push(candidate)
    if (this.#isGathered) this.#flush()
    else if (this.#mid !== undefined) this.#schedule(CANDIDATE_BATCH_MS)
  }

  /** Gathering has ended with these; their own events may still be under way, for node-datachannel keeps no order among events. */
  finish(lines: readonly string[]): void {
    if (this.#isGathered) return
    for (const line of lines) this.add(line)
    this.#isGathered = true
    this.#flush()
  }

  #schedule(delayMs: number): void {
    this.#timer ??= this.#options.scope.timer(this.#options.clock, delayMs, () => this.#flush())
  }

  #flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const sdpMid = this.#mid
    if (sdpMid === undefined || (this.#sdp === undefined && this.#waiting.length === 0)) return
    const candidates = this.#waiting.map((candidate) => ({ candidate, sdpMid, sdpMLineIndex: 0 }))
    const sdp = this.#sdp
    this.#sdp = undefined
    this.#waiting = []
    this.#options.send(sdp, candidates)
  }
}
