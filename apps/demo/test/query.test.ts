import { describe, expect, it } from '@jest/globals'
import { readRelay, readSignals, withRelay } from '../src/query.ts'

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

describe('the choice to relay', () => {
  it.each([
    ['', false],
    ['?relay', false],
    ['?relay=0', false],
    ['?relay=true', false],
    ['?signals=ws://relay=1', false],
    ['?relay=1', true],
    ['?signals=ws://one&relay=1', true],
  ])('%j is %j', (search, serves) => {
    expect(readRelay(search)).toBe(serves)
  })

  it.each(['', '?relay=1', '?relay=0', '?signals=ws://one,wss://two', '?relay=1&signals=ws://one&signals=ws://two'])(
    'is changed in %j and nothing else is',
    (search) => {
      for (const serves of [true, false]) {
        const changed = withRelay(search, serves)
        expect(readRelay(changed)).toBe(serves)
        expect(readSignals(changed)).toEqual(readSignals(search))
      }
    },
  )

  it('leaves a bare address when it was all that the address said', () => {
    expect(withRelay('?relay=1', false)).toBe('')
  })
})
