import { beforeEach, describe, expect, it } from '@jest/globals'
import { createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { PACE_INTERVAL_MS } from '../src/limits.ts'
import { createPace, type Pace } from '../src/pace.ts'

let runtime: TestRuntime
let pace: Pace
let events: string[]

beforeEach(() => {
  runtime = createTestRuntime()
  events = []
  pace = createPace({
    clock: runtime.clock,
    onTurn: (eager) => events.push(eager ? 'eager' : 'lazy'),
    send: (eager) => events.push(eager ? 'ask eager' : 'ask lazy'),
  })
})

describe('the pace of a link', () => {
  it('is eager at first, and both ends turn with one message', () => {
    expect(pace.isEager).toBe(true)
    pace.ask(true)
    pace.ask(false)
    expect(pace.isEager).toBe(false)
    pace.turn(true)
    pace.turn(true)
    expect(events).toEqual(['ask lazy', 'lazy', 'eager'])
  })

  it(`is asked for once in ${PACE_INTERVAL_MS} ms, whatever the peer does in between`, async () => {
    pace.ask(false)
    pace.turn(true)
    pace.ask(false)
    expect(events).toEqual(['ask lazy', 'lazy', 'eager'])
    await runtime.clock.advance(PACE_INTERVAL_MS - 1)
    pace.ask(false)
    expect(pace.isEager).toBe(true)
    await runtime.clock.advance(1)
    pace.ask(false)
    expect(events.slice(3)).toEqual(['ask lazy', 'lazy'])
  })
})
