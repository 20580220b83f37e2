import { describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { Deadlines } from '../src/deadlines.ts'

function create() {
  const clock = createVirtualClock()
  const live = new Set<{ deadlineMs: number; expire(): void }>()
  const expired: number[] = []
  const deadlines = new Deadlines({ clock, live: () => live })
  const add = (deadlineMs: number) => {
    const entry = {
      deadlineMs,
      expire() {
        live.delete(entry)
        expired.push(deadlineMs)
      },
    }
    live.add(entry)
    deadlines.watch(deadlineMs)
  }
  return { clock, live, expired, deadlines, add }
}

describe('Deadlines', () => {
  it('expire each in its time with one timer', async () => {
    const { clock, expired, add } = create()
    for (const deadlineMs of [30, 10, 20, 10, 40]) add(deadlineMs)
    expect(clock.pending).toBe(1)
    await clock.advance(9)
    expect(expired).toEqual([])
    await clock.advance(1)
    expect(expired).toEqual([10, 10])
    await clock.advance(30)
    expect([expired, clock.pending]).toEqual([[10, 10, 20, 30, 40], 0])
  })

  it('pass by what is gone', async () => {
    const { clock, live, expired, add } = create()
    add(10)
    live.clear()
    await clock.advance(10)
    expect([expired, clock.pending]).toEqual([[], 0])
    add(15)
    await clock.advance(5)
    expect(expired).toEqual([15])
  })

  it('set no timer any more once cancelled', async () => {
    const { clock, expired, deadlines, add } = create()
    add(10)
    deadlines.cancel()
    await clock.advance(10)
    expect([expired, clock.pending]).toEqual([[], 0])
  })
})
