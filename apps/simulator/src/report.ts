/** A promise, what was measured, and whether it was kept. */
export interface Bar {
  readonly what: string
  readonly measured: number
  readonly unit: string
  readonly bar: string
  readonly passed: boolean
}

/** What one run of a scenario gave. */
export interface Outcome {
  readonly bars: readonly Bar[]
  /** What else was seen, by name with its unit. */
  readonly figures: Readonly<Record<string, number | string>>
}

interface Limit {
  readonly what: string
  readonly measured: number
  readonly unit: string
}

/** A bar that a figure must not go over; a figure that is missing does not pass. */
export function atMost(max: number, { what, measured, unit }: Limit): Bar {
  return { what, measured: round(measured), unit, bar: `≤ ${max}`, passed: measured <= max }
}

export function atLeast(min: number, { what, measured, unit }: Limit): Bar {
  return { what, measured: round(measured), unit, bar: `≥ ${min}`, passed: measured >= min }
}

/** Nearest rank; NaN of nothing, which passes no bar. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
