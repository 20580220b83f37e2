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

/** What became of some work: done, failed, or neither in time. */
export type Ending<Value> = { readonly kind: 'done'; readonly value: Value } | { readonly kind: 'failed' | 'late' }

export function endingOf<Value>(work: Promise<Value>, { timeoutMs }: { timeoutMs: number }): Promise<Ending<Value>> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'late' }), timeoutMs)
    work
      .then((value) => resolve({ kind: 'done', value }))
      .catch(() => resolve({ kind: 'failed' }))
      .finally(() => clearTimeout(timer))
  })
}
