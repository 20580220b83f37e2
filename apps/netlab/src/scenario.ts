import type { Lab } from './lab.ts'

/** One question to the network, with the answer that the project promises. */
export interface Scenario {
  readonly name: string
  /** One line for the list. */
  readonly summary: string
  /** Fit for every run of the tests: under half a minute. */
  readonly quick: boolean
  run(options: ScenarioOptions): Promise<Outcome>
}

export interface ScenarioOptions {
  readonly lab: Lab
  /** How often to repeat what is repeated; each scenario has its own default. */
  readonly rounds: number | undefined
  /** How long to watch what is watched. */
  readonly minutes: number | undefined
  /** Says how far it is, to people. */
  readonly tell: (line: string) => void
}

export interface Outcome {
  /** What was seen, one row each; all have the same names. */
  readonly rows: readonly Readonly<Record<string, string | number | boolean>>[]
  readonly bars: readonly Bar[]
}

/** A promise, and whether it was kept. */
export interface Bar {
  readonly what: string
  readonly measured: string | number
  readonly bar: string
  readonly passed: boolean
}

/** A bar that a figure must not go over; a figure that is missing does not pass. */
export function atMost(what: string, measured: number, max: number, unit = ''): Bar {
  return { what, measured: round(measured), bar: `≤ ${max}${unit && ` ${unit}`}`, passed: measured <= max }
}

export function atLeast(what: string, measured: number, min: number, unit = ''): Bar {
  return { what, measured: round(measured), bar: `≥ ${min}${unit && ` ${unit}`}`, passed: measured >= min }
}

/** A bar that all of so many must pass. */
export function all(what: string, results: readonly boolean[]): Bar {
  const good = results.filter(Boolean).length
  return { what, measured: `${good} of ${results.length}`, bar: 'all', passed: results.length > 0 && good === results.length }
}

/** Nearest rank; NaN of nothing, which passes no bar. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

export function round(value: number): number {
  return Math.round(value * 10) / 10
}
