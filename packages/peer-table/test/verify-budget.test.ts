import { expect, it } from '@jest/globals'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { VERIFIES_BURST, VERIFIES_PER_SECOND, VERIFIES_PER_TURN } from '../src/limits.ts'
import { VerifyBudget } from '../src/verify-budget.ts'

const never = new AbortController().signal

it(`gives ${VERIFIES_BURST} checks at once, then ${VERIFIES_PER_SECOND} a second`, async () => {
  const runtime = createTestRuntime()
  const budget = new VerifyBudget(runtime)
  let count = 0
  const spend = async (ms: number): Promise<number> => {
    count = 0
    const until = runtime.clock.monotonic() + ms
    for (;;) {
      if (budget.take()) count++
      else {
        let isOver = false
        const abort = new AbortController()
        void budget.wait(abort.signal).then((isGranted) => {
          isOver = true
          if (isGranted) count++
        })
        await runtime.clock.advance(0)
        while (!isOver && runtime.clock.monotonic() < until) await runtime.clock.advance(5)
        abort.abort()
        if (!isOver) return count
      }
    }
  }
  const burst = await spend(1)
  expect([VERIFIES_BURST, VERIFIES_BURST + 1]).toContain(burst)
  const second = await spend(1000)
  expect(second).toBeGreaterThan(VERIFIES_PER_SECOND * 0.9)
  expect(second).toBeLessThanOrEqual(VERIFIES_PER_SECOND + 2)
})

it(`lets others have their turn after ${VERIFIES_PER_TURN} in a row, but not when there was time between`, async () => {
  const runtime = createTestRuntime()
  const budget = new VerifyBudget(runtime)
  for (let count = 0; count < VERIFIES_PER_TURN; count++) expect(budget.take()).toBe(true)
  expect(budget.take()).toBe(false)
  const waited = budget.wait(never)
  await runtime.clock.advance(0)
  await waited
  for (let count = 0; count < 3 * VERIFIES_PER_TURN; count++) {
    expect(budget.take()).toBe(true)
    await runtime.clock.advance(10)
  }
})

it('gives those who wait their turn in order, and nobody goes before them', async () => {
  const runtime = createTestRuntime()
  const budget = new VerifyBudget(runtime)
  for (let count = 0; count < VERIFIES_BURST / VERIFIES_PER_TURN; count++) {
    while (budget.take()) {}
    const waited = budget.wait(never)
    await runtime.clock.advance(0)
    if (count < VERIFIES_BURST / VERIFIES_PER_TURN - 1) await waited
  }
  const order: string[] = []
  const flood = async (name: string, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      if (!budget.take()) await budget.wait(never)
      order.push(name)
    }
  }
  const floods = Array.from({ length: 8 }, (_, at) => flood(`mallory${at}`, 20))
  const honest = flood('alice', 3)
  for (let ms = 0; ms < 3000; ms++) await runtime.clock.advance(1)
  await Promise.all([...floods, honest])
  expect(order.lastIndexOf('alice')).toBeLessThanOrEqual(3 * 9)
})

it('ends waiting when the table closes', async () => {
  const runtime = createTestRuntime()
  const abort = new AbortController()
  const waiting = new VerifyBudget(runtime).wait(abort.signal)
  abort.abort()
  await waiting
  await new VerifyBudget(runtime).wait(abort.signal)
  expect(runtime.clock.pending).toBe(0)
})
