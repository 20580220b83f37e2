/** The value below which the fraction `part` of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** To so many places behind the point. */
export function round(value: number, places = 2): number {
  return Math.round(value * 10 ** places) / 10 ** places
}
