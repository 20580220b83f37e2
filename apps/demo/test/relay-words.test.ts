import { expect, it } from '@jest/globals'
import { bytesWords, relayWords } from '../src/relay-words.ts'

const mib = 1024 * 1024

it.each([
  [0, 0, 'No circuit now · 0 bytes forwarded'],
  [1, 1023, '1 circuit now · 1023 bytes forwarded'],
  [32, 3.25 * mib, '32 circuits now · 3.3 MiB forwarded'],
])('%d circuits and %d bytes are told as %j', (circuits, bytesForwarded, words) => {
  expect(relayWords({ circuits, bytesForwarded })).toBe(words)
})

it.each([
  [1024, '1 KiB'],
  [mib - 1, '1024 KiB'],
  [mib, '1.0 MiB'],
  [10_000 * mib, '10000.0 MiB'],
])('%d bytes are %j', (bytes, words) => {
  expect(bytesWords(bytes)).toBe(words)
})
