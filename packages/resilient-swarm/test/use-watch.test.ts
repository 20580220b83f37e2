import { describe, expect, it } from '@jest/globals'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { createUseWatch, watchMethods, watchRemote } from '../src/use-watch.ts'

function watchOnClock() {
  const clock = createVirtualClock()
  return { clock, watch: createUseWatch(clock) }
}

describe('the use of a peer', () => {
  it('was never, lasts, and is so long ago', async () => {
    const { clock, watch } = watchOnClock()
    expect(watch.idleMs).toBe(Number.POSITIVE_INFINITY)
    const work = deferred()
    void watch.during(work.promise)
    await clock.advance(1_000)
    expect(watch.idleMs).toBe(0)
    work.resolve()
    await clock.advance(500)
    expect(watch.idleMs).toBe(500)
    watch.touch()
    expect(watch.idleMs).toBe(0)
    await clock.advance(1)
    expect(watch.idleMs).toBe(1)
  })

  it('ends with a failure too, and the caller hears of it', async () => {
    const { clock, watch } = watchOnClock()
    await expect(watch.during(Promise.reject(new Error('lost')))).rejects.toThrow('lost')
    await clock.advance(7)
    expect(watch.idleMs).toBe(7)
  })

  it('is every call of ours and of theirs until it has answered', async () => {
    const { clock, watch } = watchOnClock()
    const remote = watchRemote({ sum: async (a: number, b: number) => a + b, version: undefined }, watch)
    expect(remote.version).toBe(undefined)
    expect(remote.sum).toBe(remote.sum)
    const answer = remote.sum(1, 2)
    expect(watch.idleMs).toBe(0)
    expect(await answer).toBe(3)
    await clock.advance(60_000)
    expect(watch.idleMs).toBe(60_000)
    const slow = deferred()
    const methods = watchMethods({ now: () => 5, slow: () => slow.promise }, watch)
    expect(methods.now()).toBe(5)
    expect(watch.idleMs).toBe(0)
    void methods.slow()
    await clock.advance(60_000)
    expect(watch.idleMs).toBe(0)
    slow.resolve()
    await clock.advance(3)
    expect(watch.idleMs).toBe(3)
  })
})

function deferred() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
