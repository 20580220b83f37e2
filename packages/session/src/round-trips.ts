import { COMPARED_MS, COMPARED_SAMPLES_MAX, SILENCE_MARGIN_MS, SILENCE_MS_MIN, SILENCE_UNMEASURED_MS } from './limits.ts'

interface Sample {
  readonly atMs: number
  readonly rttMs: number
}

/** How many samples there are of the last seconds, and their median. */
export interface Recent {
  readonly samples: number
  readonly medianMs: number | undefined
}

/** What a path's round trips say: smoothed for verdicts (RFC 6298 §2), the median of the last seconds for comparing paths. */
export class RoundTrips {
  #smoothedMs: number | undefined
  #variationMs = 0
  #recent: Sample[] = []
  /** Asked with every acknowledgement, and the same until a sample comes or goes. */
  #told: Recent | undefined
  #toldUntilMs = 0

  get smoothedMs(): number | undefined {
    return this.#smoothedMs
  }

  /** Silence for longer is suspicious. */
  get silenceMs(): number {
    if (this.#smoothedMs === undefined) return SILENCE_UNMEASURED_MS
    return Math.max(SILENCE_MS_MIN, this.#smoothedMs + 4 * this.#variationMs + SILENCE_MARGIN_MS)
  }

  add({ rttMs, atMs }: Sample): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = rttMs
      this.#variationMs = rttMs / 2
    } else {
      this.#variationMs += (Math.abs(this.#smoothedMs - rttMs) - this.#variationMs) / 4
      this.#smoothedMs += (rttMs - this.#smoothedMs) / 8
    }
    if (this.#recent.push({ rttMs, atMs }) > COMPARED_SAMPLES_MAX) this.#recent.shift()
    this.#told = undefined
  }

  /** `nowMs` only grows. */
  recent(nowMs: number): Recent {
    if (!this.#told || nowMs > this.#toldUntilMs) this.#told = this.#look(nowMs)
    return this.#told
  }

  /** The path stalled: what was measured before says nothing about what comes after. */
  forgetRecent(): void {
    this.#recent = []
    this.#told = undefined
  }

  #look(nowMs: number): Recent {
    const within = this.#recent.filter(({ atMs }) => nowMs - atMs <= COMPARED_MS)
    this.#toldUntilMs = Math.min(...within.map(({ atMs }) => atMs + COMPARED_MS))
    const values = within.map(({ rttMs }) => rttMs).sort((one, other) => one - other)
    const middle = values.length >> 1
    const upper = values[middle]
    if (upper === undefined) return { samples: 0, medianMs: undefined }
    const medianMs = values.length % 2 === 1 ? upper : (upper + (values[middle - 1] as number)) / 2
    return { samples: values.length, medianMs }
  }
}
