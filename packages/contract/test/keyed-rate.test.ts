import { expect, it } from '@jest/globals'
import { createKeyedRate } from '../src/keyed-rate.ts'

const rate = { perSecond: 1, burst: 2 }

it('gives each key the burst and then the rate, whatever others take', () => {
  const rates = createKeyedRate<string>({ rate, keysMax: 10 })
  expect([0, 0, 0, 999, 1_000].map((nowMs) => rates.take('mallory', nowMs))).toEqual([true, true, false, false, true])
  expect(rates.take('alice', 1_000)).toBe(true)
})

it('remembers keysMax keys, and of one more forgets who asked longest ago', () => {
  const rates = createKeyedRate<string>({ rate, keysMax: 2 })
  for (const key of ['alice', 'alice', 'bob', 'bob', 'alice']) rates.take(key, 0)
  expect(rates.size).toBe(2)
  rates.take('carol', 0)
  expect(rates.size).toBe(2)
  // A refusal is a question, too: alice asked after bob.
  expect(rates.take('alice', 0)).toBe(false)
  expect(rates.take('bob', 0)).toBe(true)
})
