import { describe, expect, it } from '@jest/globals'
import { VirtualClock } from '../src/virtual-clock.ts'

describe('the virtual clock', () => {
  it('plays what it was asked for in order of time, and of asking within one millisecond', async () => {
    const clock = new VirtualClock()
    const played: string[] = []
    const after = (delayMs: number, name: string) => clock.after(delayMs, () => void played.push(`${name} at ${clock.nowMs}`))
    after(20, 'late')
    after(4.2, 'first')
    after(5, 'second')
    after(0, 'now')
    await clock.advance(10)
    expect(played).toEqual(['now at 0', 'first at 5', 'second at 5'])
    expect(clock.nowMs).toBe(10)
    await clock.advanceTo(20)
    expect(played.at(-1)).toBe('late at 20')
  })

  it('lets promises settle before time goes on', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    clock.after(1, async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
      clock.after(0, () => void seen.push(clock.nowMs))
    })
    clock.after(2, () => void seen.push(clock.nowMs))
    await clock.advance(5)
    expect(seen).toEqual([1, 2])
  })

  it('plays nothing that was cancelled', async () => {
    const clock = new VirtualClock()
    let played = 0
    const timer = clock.after(1, () => played++)
    clock.after(1, () => timer.cancel())
    clock.after(2, () => played++).cancel()
    await clock.advance(5)
    expect(played).toBe(1)
    expect(clock.happened).toBe(2)
  })

  it('says so when timers never let time go on', async () => {
    const clock = new VirtualClock()
    const again = () => void clock.after(0, again)
    again()
    await expect(clock.advance(1)).rejects.toThrow('time stands still')
  })

  it('keeps thousands of moments in order', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    for (let count = 0; count < 5_000; count++) clock.after((count * 7_919) % 10_007, () => void seen.push(clock.nowMs))
    await clock.advance(20_000)
    expect(seen).toHaveLength(5_000)
    expect(seen).toEqual([...seen].sort((one, other) => one - other))
  })
})
