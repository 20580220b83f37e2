import { expect, it } from '@jest/globals'
import type { Clock } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { VERIFIES_AT_ONCE, VERIFIES_BURST, VERIFIES_PER_SECOND, VERIFIES_PER_TURN, VERIFY_TURN_MS } from '../src/limits.ts'
import { VerifyBudget } from '../src/verify-budget.ts'

const never = new AbortController().signal

/** Each check that is spent takes so long by the clock, while nothing else gets its turn. */
function slowBudget(checkMs: number, onTurn: () => void = () => {}) {
  const runtime = createTestRuntime()
  let spentMs = 0
  const { clock } = runtime
  const setTimer: Clock['setTimer'] = (delayMs, fire) =>
    clock.setTimer(delayMs, () => {
      onTurn()
      fire()
    })
  const budget = new VerifyBudget(
    { ...runtime, clock: { ...clock, monotonic: () => clock.monotonic() + spentMs, setTimer } },
    never,
  )
  const tick = () => {
    spentMs += checkMs
  }
  const spend = () => {
    const isTaken = budget.take()
    if (isTaken) tick()
    return isTaken
  }
  return { runtime, budget, tick, spend }
}

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
    await runtime.clock.advance(25)
  }
})

it(`lets others have their turn after ${VERIFY_TURN_MS} ms of checks that are slow, and before that not`, async () => {
  const { runtime, budget, spend } = slowBudget(VERIFY_TURN_MS / 2)
  expect([spend(), spend(), budget.take()]).toEqual([true, true, false])
  const waited = budget.wait()
  expect(runtime.clock.pending).toBe(1)
  await runtime.clock.advance(1)
  expect(await waited).toBe(true)
  const fast = slowBudget((VERIFY_TURN_MS - 1) / 2)
  expect([fast.spend(), fast.spend(), fast.spend(), fast.budget.take()]).toEqual([true, true, true, false])
})

it(`begins the checks of ${VERIFIES_AT_ONCE} who wait with a turn, then one for each who comes back, until it is over`, async () => {
  const turns: number[][] = []
  const { runtime, budget, tick } = slowBudget(VERIFY_TURN_MS / 4, () => void turns.push([]))
  for (let count = 0; count < VERIFIES_PER_TURN; count++) budget.take()
  const check = async (name: number): Promise<void> => {
    for (let count = 0; count < 3; count++) {
      await budget.wait()
      turns.at(-1)?.push(name)
      await undefined
      tick()
    }
  }
  const names = Array.from({ length: VERIFIES_AT_ONCE + 5 }, (_, name) => name)
  const checks = names.map(check)
  await runtime.clock.advance(0)
  await Promise.all(checks)
  // Each takes a quarter of a turn: after the first eight there is time for three of those who wait.
  expect(turns[0]).toEqual(names.slice(0, VERIFIES_AT_ONCE + 3))
  for (const turn of turns) expect(turn.length).toBeLessThanOrEqual(VERIFIES_AT_ONCE + 3)
  expect(turns.flat().slice(0, names.length)).toEqual(names)
  expect(turns.flat()).toHaveLength(3 * names.length)
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
  while (budget.take()) {}
  const waiting = Array.from({ length: 100 }, () => budget.wait())
  const pausing = Array.from({ length: 100 }, () => budget.pause())
  expect(listeners).toBe(1)
  abort.abort()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([false]))
  await Promise.all([...pausing, budget.pause()])
  expect(await budget.wait()).toBe(false)
  expect(runtime.clock.pending).toBe(0)
})
