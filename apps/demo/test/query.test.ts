import { expect, it } from '@jest/globals'
import { readSignals } from '../src/query.ts'

it.each([
  ['', undefined],
  ['?signals=', undefined],
  ['?signals=%20,%20', undefined],
  ['?signals=ws://127.0.0.1:7000', ['ws://127.0.0.1:7000']],
  ['?signals=ws://one,%20wss://two', ['ws://one', 'wss://two']],
  ['?signals=ws://one&signals=ws://two', ['ws://one', 'ws://two']],
])('%j names the signal servers %j', (search, urls) => {
  expect(readSignals(search)).toEqual(urls)
})
