import { beforeEach, describe, expect, it } from '@jest/globals'
import { createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { PACE_INTERVAL_MS, PUSHES_BURST, PUSHES_PER_SECOND } from '../src/limits.ts'
import { createPace, type Pace, PUSH_GATHER_MS } from '../src/pace.ts'

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

  it(`lets ${PUSHES_BURST} records out at once and not one more, then ${PUSHES_PER_SECOND} a second`, async () => {
    const takeAll = (): number => {
      let taken = 0
      while (pace.takePush()) taken++
      return taken
    }
    expect(takeAll()).toBe(PUSHES_BURST)
    await runtime.clock.advance(PUSH_GATHER_MS - 1)
    expect(pace.takePush()).toBe(false)
    await runtime.clock.advance(1)
    expect(takeAll()).toBe(1)
    await runtime.clock.advance(1000)
    expect(takeAll()).toBe(PUSHES_PER_SECOND)
    await runtime.clock.advance(60_000)
    expect(takeAll()).toBe(PUSHES_BURST)
  })
})
