/** How long ago, in the one unit that matters. */
export function durationWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A round trip; undefined while none was measured. */
export function roundTripWords(rttMs: number | undefined): string {
  if (rttMs === undefined) return 'measuring …'
  return rttMs < 10 ? `${rttMs.toFixed(1)} ms` : `${Math.round(rttMs)} ms`
}
