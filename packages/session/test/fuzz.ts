import fc, { type IProperty } from 'fast-check'

/** At least a thousand runs; the seed is printed when a run fails, and `SEED=… jest` repeats it. */
export function fuzz<Input>(property: IProperty<Input>, numRuns = 1000): void {
  const seed = Number(process.env.SEED ?? Date.now() % 0x7fff_ffff)
  const details = fc.check(property, { numRuns, seed })
  if (details.failed) throw new Error(`seed ${seed}: ${fc.defaultReportMessage(details)}`)
}
