const LOOK_MS = 50

/** Resolves with the ms that passed until it was true; with NaN, which passes no bar, when the time was over first. */
export async function until(isTrue: () => Promise<boolean>, { timeoutMs }: { timeoutMs: number }): Promise<number> {
  const startedMs = performance.now()
  while (!(await isTrue())) {
    if (performance.now() - startedMs > timeoutMs) return Number.NaN
    await pause(LOOK_MS)
  }
  return performance.now() - startedMs
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
