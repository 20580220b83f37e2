import { expect, it } from '@jest/globals'
import { durationWords, roundTripWords } from '../src/time-words.ts'

it.each([
  [-5, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_599_999, '59 min'],
  [3_600_000, '1 h 0 min'],
  [7_500_000, '2 h 5 min'],
])('%d ms are %j', (ms, words) => {
  expect(durationWords(ms)).toBe(words)
})

it.each([
  [undefined, 'measuring …'],
  [0.44, '0.4 ms'],
  [9.94, '9.9 ms'],
  [12.6, '13 ms'],
])('a round trip of %s ms is %j', (ms, words) => {
  expect(roundTripWords(ms)).toBe(words)
})
