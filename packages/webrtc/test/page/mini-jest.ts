// As much of jest as the conformance suite needs, for running it inside a page.

export interface PageResult {
  readonly title: string
  readonly error?: string
}

interface PageTest {
  readonly title: string
  readonly run: () => unknown
}

const tests: PageTest[] = []
const ends: (() => unknown)[] = []
const titles: string[] = []

export function describe(title: string, define: () => void): void {
  titles.push(title)
  define()
  titles.pop()
}

export function it(title: string, run: () => unknown): void {
  tests.push({ title: [...titles, title].join(' › '), run })
}

export function afterEach(end: () => unknown): void {
  ends.push(end)
}

export async function runTests(): Promise<PageResult[]> {
  const results: PageResult[] = []
  for (const { title, run } of tests) {
    try {
      await Promise.race([run(), new Promise((_, reject) => setTimeout(reject, 15_000, new Error('took over 15 s')))])
      results.push({ title })
    } catch (error) {
      results.push({ title, error: String(error) })
    }
    for (const end of ends) await end()
  }
  return results
}

export function expect(actual: unknown) {
  const check = (holds: boolean, expected: unknown) => {
    if (!holds) throw new Error(`expected ${show(expected)}, got ${show(actual)}`)
  }
  return {
    toBe: (expected: unknown) => check(Object.is(actual, expected), expected),
    toBeUndefined: () => check(actual === undefined, undefined),
    toEqual: (expected: unknown) => check(show(actual) === show(expected), expected),
    toHaveLength: (expected: number) => check((actual as { length: number }).length === expected, expected),
    toBeGreaterThan: (expected: number) => check((actual as number) > expected, expected),
    toBeInstanceOf: (expected: new () => unknown) => check(actual instanceof expected, expected.name),
    toMatchObject: (expected: Record<string, unknown>) =>
      check(
        Object.entries(expected).every(([key, value]) => (actual as Record<string, unknown>)[key] === value),
        expected,
      ),
    toThrow(expected: new () => unknown) {
      try {
        ;(actual as () => void)()
      } catch (error) {
        check(error instanceof expected, expected.name)
        return
      }
      check(false, expected.name)
    },
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each) => (each === undefined ? 'undefined' : each)) ?? 'undefined'
}
