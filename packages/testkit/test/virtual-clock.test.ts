import { describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'

describe('a virtual clock', () => {
  it('fires timers in the order of their time, then of setting, each at its own time', async () => {
    const clock = createVirtualClock()
    const fired: [string, number][] = []
    const set = (name: string, delayMs: number) => clock.setTimer(delayMs, () => fired.push([name, clock.monotonic()]))
    set('late', 20)
    set('early', 10)
    set('early too', 10)
    await clock.advance(20)
    expect(fired).toEqual([
      ['early', 10],
      ['early too', 10],
      ['late', 20],
    ])
  })

  it('stops one millisecond before a timer that is not due', async () => {
    const clock = createVirtualClock({ startMs: 1_000 })
    let fired = false
    clock.setTimer(10, () => {
      fired = true
    })
    await clock.advance(9)
    expect([fired, clock.monotonic(), clock.now(), clock.pending]).toEqual([false, 9, 1_009, 1])
    await clock.advance(1)
    expect([fired, clock.pending]).toEqual([true, 0])
  })

  it('fires what a timer sets, and what a promise sets between two timers', async () => {
    const clock = createVirtualClock()
    const firedMs: number[] = []
    clock.setTimer(5, () => {
      void Promise.resolve().then(() => clock.setTimer(5, () => firedMs.push(clock.monotonic())))
    })
    clock.setTimer(30, () => firedMs.push(clock.monotonic()))
    await clock.advance(30)
    expect(firedMs).toEqual([10, 30])
  })

  it('forgets a timer that was cancelled', async () => {
    const clock = createVirtualClock()
    const timer = clock.setTimer(1, () => {
      throw new Error('cancelled timers do not fire')
    })
    timer.cancel()
    timer.cancel()
    await clock.advance(10)
    expect(clock.pending).toBe(0)
  })
})
