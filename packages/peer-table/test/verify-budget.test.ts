import { expect, it } from '@jest/globals'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { VERIFIES_BURST, VERIFIES_PER_SECOND, VERIFIES_PER_TURN } from '../src/limits.ts'
import { VerifyBudget } from '../src/verify-budget.ts'

const never = new AbortController().signal

it(`gives ${VERIFIES_BURST} checks at once, then ${VERIFIES_PER_SECOND} a second`, async () => {
  const runtime = createTestRuntime()
  const budget = new VerifyBudget(runtime, never)
  let count = 0
  const spend = async (ms: number): Promise<number> => {
    count = 0
    const until = runtime.clock.monotonic() + ms
    for (;;) {
      if (budget.take()) count++
      else {
        let isOver = false
        void budget.wait().then((isGranted) => {
          isOver = true
          if (isGranted) count++
        })
        await runtime.clock.advance(0)
        while (!isOver && runtime.clock.monotonic() < until) await runtime.clock.advance(5)
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
  const budget = new VerifyBudget(runtime, never)
  for (let count = 0; count < VERIFIES_PER_TURN; count++) expect(budget.take()).toBe(true)
  expect(budget.take()).toBe(false)
  const waited = budget.wait()
  await runtime.clock.advance(0)
  await waited
  for (let count = 0; count < 3 * VERIFIES_PER_TURN; count++) {
    expect(budget.take()).toBe(true)
    await runtime.clock.advance(10)
  }
})

it('gives those who wait their turn in order, and nobody goes before them', async () => {
  const runtime = createTestRuntime()
  const budget = new VerifyBudget(runtime, never)
  for (let count = 0; count < VERIFIES_BURST / VERIFIES_PER_TURN; count++) {
    while (budget.take()) {}
    const waited = budget.wait()
    await runtime.clock.advance(0)
    if (count < VERIFIES_BURST / VERIFIES_PER_TURN - 1) await waited
  }
  const order: string[] = []
  const flood = async (name: string, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      if (!budget.take()) await budget.wait()
      order.push(name)
    }
  }
  const floods = Array.from({ length: 8 }, (_, at) => flood(`mallory${at}`, 20))
  const honest = flood('alice', 3)
  for (let ms = 0; ms < 3000; ms++) await runtime.clock.advance(1)
  await Promise.all([...floods, honest])
  expect(order.lastIndexOf('alice')).toBeLessThanOrEqual(3 * 9)
})

it('ends waiting and pausing when the table closes, with one listener however many wait', async () => {
  const runtime = createTestRuntime()
  const abort = new AbortController()
  let listeners = 0
  const listen = abort.signal.addEventListener.bind(abort.signal)
  abort.signal.addEventListener = (...words: Parameters<typeof listen>) => {
    listeners++
    listen(...words)
  }
  const budget = new VerifyBudget(runtime, abort.signal)
  const waiting = Array.from({ length: 100 }, () => budget.wait())
  const pausing = Array.from({ length: 100 }, () => budget.pause())
  expect(listeners).toBe(1)
  abort.abort()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([false]))
  await Promise.all([...pausing, budget.pause()])
  expect(await budget.wait()).toBe(false)
  expect(runtime.clock.pending).toBe(0)
})
