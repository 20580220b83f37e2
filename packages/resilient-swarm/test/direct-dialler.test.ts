import { describe, expect, it } from '@jest/globals'
import { type DialContext, type Path, SwarmError, type Transport } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createDirectDialler } from '../src/direct-dialler.ts'
import { createHistory } from '../src/history.ts'
import { ATTEMPT_TIMEOUT_MS, DIRECT_HEAD_START_MS } from '../src/limits.ts'
import type { SignalRouter } from '../src/signal-router.ts'

const bob = createKeyPair().peerId

/** A transport whose dials the test settles, and which says when it was asked and let go. */
function transport(name: string, log: string[]) {
  const dials: { succeed(): void; fail(error: Error): void }[] = []
  const made: Transport = {
    name,
    dial: (_, { signal }: DialContext) =>
      new Promise((resolve, reject) => {
        log.push(`${name} dials`)
        signal.addEventListener('abort', () => {
          log.push(`${name} lets go`)
          reject(signal.reason)
        })
        dials.push({ succeed: () => resolve({ kind: name } as Path), fail: reject })
      }),
    listen: () => ({ close() {} }),
  }
  return { made, dials }
}

function setUp() {
  const runtime = createTestRuntime()
  const log: string[] = []
  const [first, second] = [transport('first', log), transport('second', log)]
  const dialler = createDirectDialler({
    isForMesh: () => false,
    transports: [first.made, second.made],
    router: {
      newAttempt: () => 'a',
      openLine: () => ({ attempt: 'a', send: async () => {}, onSignal() {} }),
    } as unknown as SignalRouter,
    runtime,
    history: createHistory(runtime.clock),
    onPath: async ({ kind }) => void log.push(`a path by ${kind}`),
  })
  return { ...runtime, log, first, second, dialler }
}

const lost = new SwarmError('Lost.', { code: 'ERR_LOST', retryable: true })

describe('a round of direct dials', () => {
  it('is over with the first path, and bothers no other transport before a quarter of a second', async () => {
    const { clock, dialler, first, log } = setUp()
    const dialled = dialler.dial(bob)
    await clock.advance(DIRECT_HEAD_START_MS - 1)
    first.dials[0]?.succeed()
    await clock.advance(0)
    await dialled
    await clock.advance(ATTEMPT_TIMEOUT_MS)
    expect(log.filter((line) => line !== 'first lets go')).toEqual(['first dials', 'a path by first'])
    expect(dialler.isDialling(bob)).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('goes on to the next transport at once when one fails', async () => {
    const { clock, dialler, first, second, log } = setUp()
    const dialled = dialler.dial(bob)
    await clock.advance(0)
    first.dials[0]?.fail(lost)
    await clock.advance(0)
    second.dials[0]?.succeed()
    await clock.advance(0)
    await dialled
    expect(log).toContain('a path by second')
  })

  it('lets the slower one go when the other stands first', async () => {
    const { clock, dialler, second, log } = setUp()
    const dialled = dialler.dial(bob)
    await clock.advance(DIRECT_HEAD_START_MS)
    second.dials[0]?.succeed()
    await clock.advance(0)
    await dialled
    expect(log.slice(0, 3)).toEqual(['first dials', 'second dials', 'a path by second'])
    expect(log).toContain('first lets go')
  })

  it('ends at once for good when one of them is told no', async () => {
    const { clock, dialler, first } = setUp()
    const dialled = dialler.dial(bob)
    const failed = expect(dialled).rejects.toMatchObject({ code: 'ERR_REFUSED' })
    await clock.advance(DIRECT_HEAD_START_MS)
    first.dials[0]?.fail(new SwarmError('No.', { code: 'ERR_REFUSED' }))
    await clock.advance(0)
    await failed
    expect(clock.pending).toBe(0)
  })

  it('fails with what the last one said when all fail, and joins who asks meanwhile', async () => {
    const { clock, dialler, first, second } = setUp()
    const dialled = dialler.dial(bob)
    expect(dialler.dial(bob)).toBe(dialled)
    const failed = expect(dialled).rejects.toBe(lost)
    await clock.advance(DIRECT_HEAD_START_MS)
    first.dials[0]?.fail(new SwarmError('Late.', { code: 'ERR_LATE' }))
    second.dials[0]?.fail(lost)
    await clock.advance(0)
    await failed
  })

  it('is cancelled before it has begun, and dials nobody', async () => {
    const { clock, dialler, log } = setUp()
    const failed = expect(dialler.dial(bob)).rejects.toBe(lost)
    dialler.cancel(bob, lost)
    await clock.advance(0)
    await failed
    expect(log).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('is cancelled with a reason, and closed for ever', async () => {
    const { clock, dialler } = setUp()
    const failed = expect(dialler.dial(bob)).rejects.toBe(lost)
    await clock.advance(0)
    dialler.cancel(bob, lost)
    await clock.advance(0)
    await failed
    dialler.close(lost)
    await expect(dialler.dial(bob)).rejects.toBe(lost)
    expect(clock.pending).toBe(0)
  })
})
