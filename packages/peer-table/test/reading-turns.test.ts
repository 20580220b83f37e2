import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Scope } from '@resilient-swarm/contract'
import { createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { READING_TURN_MS } from '../src/limits.ts'
import { createReadingTurns, type ReadingTurns } from '../src/reading-turns.ts'

let runtime: TestRuntime
let scope: Scope
let turns: ReadingTurns
let begun: string[]

beforeEach(() => {
  runtime = createTestRuntime()
  scope = new Scope()
  turns = createReadingTurns({ clock: runtime.clock, scope })
  begun = []
})
afterEach(() => scope.close())

const take = (name: string) => turns.take(() => begun.push(name))

describe('turns to read a whole table', () => {
  it('come one after the other, and what waits for a free moment stands in the same line', () => {
    const first = take('first')
    turns.whenFree(() => begun.push('free'))
    const second = take('second')
    take('third')
    expect(begun).toEqual(['first'])
    first.end()
    first.end()
    expect(begun).toEqual(['first', 'free', 'second'])
    second.end()
    expect(begun).toEqual(['first', 'free', 'second', 'third'])
  })

  it('are at once where nobody reads', () => {
    turns.whenFree(() => begun.push('free'))
    take('first').end()
    turns.whenFree(() => begun.push('again'))
    expect(begun).toEqual(['free', 'first', 'again'])
    expect(runtime.clock.pending).toBe(0)
  })

  it('pass on when their time is over, and then nobody waits any more for a free moment', async () => {
    const slow = take('slow')
    const given = take('given up')
    take('next')
    turns.whenFree(() => begun.push('free'))
    given.end()
    await runtime.clock.advance(READING_TURN_MS - 1)
    expect(begun).toEqual(['slow'])
    await runtime.clock.advance(1)
    expect(begun).toEqual(['slow', 'free', 'next'])
    slow.end()
    take('last')
    expect(begun).not.toContain('last')
  })
})
