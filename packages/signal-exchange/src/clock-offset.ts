/**
 * One offset from what several servers say, in ms: the median, so that one that lies or is wrong does not decide among
 * three; of the two in the middle the smaller correction. undefined when nobody has said anything.
 */
export function chooseClockOffset(offsetsMs: readonly (number | undefined)[]): number | undefined {
  const known = offsetsMs.filter((offset) => offset !== undefined).sort((one, other) => one - other)
  const lower = known[Math.floor((known.length - 1) / 2)]
  const upper = known[Math.floor(known.length / 2)]
  if (lower === undefined || upper === undefined) return undefined
  return Math.abs(lower) <= Math.abs(upper) ? lower : upper
}
