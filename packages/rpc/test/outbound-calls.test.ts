import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { RPC_LIMITS } from '../src/index.ts'
import { closeSessions, createSessionPair, createVictim, settle } from './actors.ts'

afterEach(closeSessions)

const { inFlightMax, waitingCallsMax, callTimeoutMs, lineBytesMax, callbacksMax } = RPC_LIMITS

/** Alice with many calls to a peer that does not answer. */
async function createSilence(count: number, limits = {}) {
  const runtime = createTestRuntime()
  const { alice, mallory } = createVictim({ runtime, limits })
  mallory.offer('wait')
  await settle()
  const outcomes: unknown[] = []
  const calls = Array.from({ length: count }, (_, index) =>
    alice.call('wait', [index]).then(
      (result) => outcomes.push(result),
      (error) => outcomes.push(error.code),
    ),
  )
  await settle()
  return { alice, mallory, runtime, outcomes, calls }
}

describe('a call', () => {
  it('waits for the methods of the peer, then goes', async () => {
    const { alice, mallory } = createVictim()
    const sum = alice.remote.sum?.(1, 2)
    await settle()
    expect(mallory.calls).toEqual([])
    mallory.offer('other', 'sum')
    await alice.ready
    await settle()
    expect(mallory.calls).toEqual([{ method: 1, arguments: [1, 2, '[Function]'], callbacks: { 0: ['2'] }, links: [] }])
    mallory.send({ method: 0, arguments: [null, 3], callbacks: {}, links: [] })
    expect(await sum).toBe(3)
  })

  it('fails with ERR_RPC_NO_METHOD when the peer offers none of that name', async () => {
    const { alice } = createSessionPair({ bob: { methods: { sum: () => 1 } } })
    for (const name of ['difference', 'toString', '__proto__', 'constructor', 'methods', 'cull']) {
      await expect(alice.call(name, [])).rejects.toMatchObject({ code: 'ERR_RPC_NO_METHOD' })
    }
  })

  it('fails with what the method threw, as data', async () => {
    const methods = {
      plain: () => {
        throw new RangeError('too many')
      },
      coded: async () => {
        throw Object.assign(new Error('no entry'), { code: 'ENOENT', secret: 1 })
      },
      text: () => Promise.reject('just text'),
      nothing: () => Promise.reject(undefined),
      trap: () => {
        throw new Proxy(
          {},
          {
            get: () => {
              throw new Error('never')
            },
          },
        )
      },
      long: () => {
        throw new Error('x'.repeat(RPC_LIMITS.errorTextCharsMax + 1))
      },
    }
    const { alice } = createSessionPair({ bob: { methods } })
    const failures: Record<string, unknown> = {}
    for (const name of Object.keys(methods)) {
      await alice.call(name, []).catch((error) => {
        expect(error).toMatchObject({ name: 'SwarmError', code: 'ERR_RPC_REMOTE', retryable: false })
        failures[name] = error.cause
      })
    }
    expect(failures).toEqual({
      plain: { message: 'too many' },
      coded: { message: 'no entry', code: 'ENOENT' },
      text: { message: 'just text' },
      nothing: { message: 'undefined' },
      trap: { message: 'the thrown value has no text' },
      long: { message: 'x'.repeat(RPC_LIMITS.errorTextCharsMax) },
    })
  })

  it('that the peer was too busy for may be tried again', async () => {
    const methods = { busy: () => Promise.reject({ message: 'later', code: 'ERR_RPC_BUSY' }) }
    const { alice } = createSessionPair({ bob: { methods } })
    await expect(alice.remote.busy?.()).rejects.toMatchObject({ code: 'ERR_RPC_REMOTE', retryable: true })
  })

  it('fails with a TypeError or RangeError for arguments that cannot travel, and takes no place', async () => {
    const { alice } = createSessionPair({ bob: { methods: { take: () => 1 } } })
    await alice.ready
    await expect(alice.remote.take?.(1n)).rejects.toThrow(TypeError)
    await expect(alice.remote.take?.('x'.repeat(lineBytesMax))).rejects.toThrow(RangeError)
    await expect(alice.remote.take?.(() => {}, 'x'.repeat(lineBytesMax - 60))).rejects.toThrow(RangeError)
    await expect(alice.call('take', 'text' as never)).rejects.toThrow('args is an array')
    await expect(alice.call(7 as never, [])).rejects.toThrow('by its name')
    await expect(alice.call('take', [], { timeout: 1 } as never)).rejects.toThrow('no option named timeout')
    await expect(alice.call('take', [], { timeoutMs: 0 })).rejects.toThrow(RangeError)
    await expect(alice.call('take', [], { timeoutMs: Number.POSITIVE_INFINITY })).rejects.toThrow(RangeError)
    await expect(alice.call('take', [], { reply: 'maybe' as never })).rejects.toThrow(TypeError)
    expect(alice.load).toEqual({ calls: 0, callbacks: 0 })
  })

  it('fills a line to its last byte, and not one more', async () => {
    const { alice, mallory } = createVictim()
    mallory.offer('take')
    await settle()
    const empty = JSON.stringify({ method: 0, arguments: ['', '[Function]'], callbacks: { 0: ['1'] }, links: [] }).length
    const longest = alice.remote.take?.('x'.repeat(lineBytesMax - empty)).catch((error) => error.code)
    await settle()
    expect(mallory.lines[1]).toHaveLength(lineBytesMax)
    await expect(alice.remote.take?.('x'.repeat(lineBytesMax - empty + 1))).rejects.toThrow(RangeError)
    expect(alice.load).toEqual({ calls: 1, callbacks: 1 })
    alice.close()
    expect(await longest).toBe('ERR_RPC_CLOSED')
  })

  it('times out after 30 s, or after its own time, and its late answer is nobody’s', async () => {
    const { alice, mallory, runtime, outcomes } = await createSilence(1)
    const short = alice.call('wait', [], { timeoutMs: 50 }).catch((error) => outcomes.push([error.code, error.retryable]))
    await settle()
    await runtime.clock.advance(50)
    await short
    expect(outcomes).toEqual([['ERR_RPC_TIMEOUT', true]])
    await runtime.clock.advance(callTimeoutMs - 51)
    expect(outcomes).toHaveLength(1)
    await runtime.clock.advance(1)
    expect(outcomes).toEqual([['ERR_RPC_TIMEOUT', true], 'ERR_RPC_TIMEOUT'])
    const next = alice.remote.wait?.()
    for (const id of [0, 1]) mallory.send({ method: id, arguments: [null, 'late'], callbacks: {}, links: [] })
    mallory.send({ method: 2, arguments: [null, 'mine'], callbacks: {}, links: [] })
    await settle()
    mallory.send({ method: 2, arguments: [null, 'again'], callbacks: {}, links: [] })
    expect(await next).toBe('mine')
    await settle()
    expect(alice.load).toEqual({ calls: 0, callbacks: 0 })
  })

  it('ends by its signal, before or after it was sent', async () => {
    const { alice, mallory, outcomes } = await createSilence(0)
    const reason = new Error('bored')
    await expect(alice.call('wait', [], { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: reason,
    })
    const controller = new AbortController()
    const call = alice.call('wait', [], { signal: controller.signal })
    await settle()
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect([alice.load, outcomes, mallory.calls.length]).toEqual([{ calls: 0, callbacks: 0 }, [], 1])
    const unused = new AbortController()
    const answered = alice.call('wait', [], { signal: unused.signal })
    mallory.send({ method: 1, arguments: [null, 'in time'], callbacks: {}, links: [] })
    expect([await answered, getEventListeners(unused.signal, 'abort')]).toEqual(['in time', []])
  })

  it('fails when the peer culls its callback unanswered', async () => {
    const { alice, mallory, outcomes, calls } = await createSilence(2)
    mallory.send('{"method":"cull","arguments":[0]}')
    await calls[0]
    expect(outcomes).toEqual(['ERR_RPC_NO_ANSWER'])
    expect(alice.load).toEqual({ calls: 1, callbacks: 1 })
  })

  it('rejects with ERR_RPC_CLOSED when the session ends, in flight, waiting or new', async () => {
    const { alice, outcomes, calls } = await createSilence(inFlightMax + 5)
    alice.close()
    await Promise.all(calls)
    expect(new Set(outcomes)).toEqual(new Set(['ERR_RPC_CLOSED']))
    expect(outcomes).toHaveLength(inFlightMax + 5)
    await expect(alice.remote.wait?.()).rejects.toMatchObject({ code: 'ERR_RPC_CLOSED' })
    expect(alice.load).toEqual({ calls: 0, callbacks: 0 })
  })
})

describe('calls in flight', () => {
  it('are at most 256; the next waits until one is answered', async () => {
    const { alice, mallory, outcomes } = await createSilence(inFlightMax)
    expect([alice.load.calls, mallory.calls.length]).toEqual([inFlightMax, inFlightMax])
    const next = alice.remote.wait?.('next')
    await settle()
    expect(mallory.calls).toHaveLength(inFlightMax)
    mallory.send({ method: 5, arguments: [null, 'five'], callbacks: {}, links: [] })
    await settle()
    expect([outcomes, mallory.calls.at(-1)?.arguments[0], alice.load.calls]).toEqual([['five'], 'next', inFlightMax])
    mallory.send({ method: 256, arguments: [null, 'answered'], callbacks: {}, links: [] })
    expect(await next).toBe('answered')
  })

  it('wait in order', async () => {
    const { mallory } = await createSilence(inFlightMax + 10)
    for (let id = 0; id < 10; id++) mallory.send({ method: id, arguments: [null], callbacks: {}, links: [] })
    await settle()
    expect(mallory.calls.map((call) => call.arguments[0])).toEqual(Array.from({ length: inFlightMax + 10 }, (_, index) => index))
  })

  it('have at most 1,024 behind them; one more is refused with ERR_RPC_BUSY', async () => {
    const { alice, outcomes } = await createSilence(inFlightMax + waitingCallsMax)
    expect(outcomes).toEqual([])
    await expect(alice.remote.wait?.()).rejects.toMatchObject({ code: 'ERR_RPC_BUSY', retryable: true })
  })

  it('have at most so many bytes behind them', async () => {
    const { alice, mallory } = await createSilence(1, { inFlightMax: 1, waitingBytesMax: 20 })
    const first = alice.call('wait', ['x'.repeat(16)]).catch((error) => error.code)
    await expect(alice.call('wait', [])).rejects.toMatchObject({ code: 'ERR_RPC_BUSY' })
    mallory.send({ method: 0, arguments: [null], callbacks: {}, links: [] })
    await settle()
    const second = alice.call('wait', ['x'.repeat(16)]).catch((error) => error.code)
    await expect(alice.call('wait', [])).rejects.toMatchObject({ code: 'ERR_RPC_BUSY' })
    alice.close()
    expect(await Promise.all([first, second])).toEqual(['ERR_RPC_CLOSED', 'ERR_RPC_CLOSED'])
  })

  it('time out while they wait, and make room', async () => {
    const { alice, runtime, outcomes } = await createSilence(inFlightMax + 3)
    await runtime.clock.advance(callTimeoutMs)
    expect(outcomes).toHaveLength(inFlightMax + 3)
    expect(alice.load).toEqual({ calls: 0, callbacks: 0 })
  })

  it('stop at a peer that does not read, and go on when it does', async () => {
    const { alice, bob, ends } = createSessionPair({ bob: { methods: { echo: (text: string) => text } }, creditBytes: 1000 })
    await alice.ready
    const consume = ends[1].raw().consume
    let heldBytes = 0
    ends[1].raw().consume = (byteCount) => {
      heldBytes += byteCount
    }
    const calls = Array.from({ length: 50 }, (_, index) => alice.remote.echo?.(`${index}`.padEnd(100)))
    await settle()
    expect(ends[1].unconsumedBytes).toBeLessThan(20_000)
    const again = alice.remote.echo?.('again')
    await settle()
    expect(alice.load.calls).toBe(0) // the first write was taken whole; what comes after it waits
    ends[1].raw().consume = consume
    consume.call(ends[1].raw(), heldBytes)
    expect((await Promise.all(calls)).map(Number)).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(await again).toBe('again')
    bob.close()
  })
})

describe('functions among the arguments', () => {
  it('are called once, and leave the table', async () => {
    const { alice, mallory } = createVictim()
    mallory.offer('take')
    await settle()
    const heard: unknown[][] = []
    const answer = alice.remote.take?.({ deep: [(...values: unknown[]) => heard.push(values)] })
    await settle()
    expect(mallory.calls[0]?.callbacks).toEqual({ 0: ['0', 'deep', '0'], 1: ['1'] })
    mallory.send({ method: 0, arguments: ['once', { two: 2 }], callbacks: {}, links: [] })
    mallory.send({ method: 0, arguments: ['twice'], callbacks: {}, links: [] })
    mallory.send({ method: 1, arguments: [null, 'done'], callbacks: {}, links: [] })
    expect([await answer, heard, alice.load]).toEqual(['done', [['once', { two: 2 }]], { calls: 0, callbacks: 0 }])
  })

  it('that throw are logged, and the session goes on', async () => {
    const runtime = createTestRuntime()
    const { alice, mallory } = createVictim({ runtime })
    mallory.offer('take')
    await settle()
    void alice.call(
      'take',
      [
        () => {
          throw new Error('mine')
        },
      ],
      { reply: 'none' },
    )
    await settle()
    mallory.send({ method: 0, arguments: [], callbacks: {}, links: [] })
    await settle()
    expect(runtime.lines).toEqual(['warn: A callback that was passed to a peer threw when the peer called it.'])
  })

  it('are forgotten after 30 s', async () => {
    const runtime = createTestRuntime()
    const { alice, mallory } = createVictim({ runtime })
    mallory.offer('take')
    await settle()
    let heard = 0
    await alice.call('take', [() => heard++], { reply: 'none' })
    expect(alice.load.callbacks).toBe(1)
    await runtime.clock.advance(callTimeoutMs)
    mallory.send({ method: 0, arguments: [], callbacks: {}, links: [] })
    await settle()
    expect([alice.load.callbacks, heard]).toEqual([0, 0])
  })

  it('make room for the next call when they time out or are culled', async () => {
    const runtime = createTestRuntime()
    const { alice, mallory } = createVictim({ runtime })
    mallory.offer('take')
    await settle()
    const functions = Array.from({ length: callbacksMax - 1 }, () => () => {})
    await alice.call('take', functions, { reply: 'none' })
    const calls = ['culled', 'timed out'].map((text) => alice.call('take', [() => {}, text], { timeoutMs: 2 * callTimeoutMs }))
    await settle()
    expect(mallory.calls).toHaveLength(1)
    mallory.send('{"method":"cull","arguments":[3]}')
    await settle()
    expect(mallory.calls.map((call) => call.arguments[1])).toEqual(['[Function]', 'culled'])
    await runtime.clock.advance(callTimeoutMs)
    await settle()
    expect(mallory.calls.at(-1)?.arguments[1]).toBe('timed out')
    alice.close()
    await Promise.allSettled(calls)
  })

  it('fill the table to 256, and calls wait for room in it', async () => {
    const { alice, mallory } = createVictim()
    mallory.offer('take')
    await settle()
    const functions = (count: number) => Array.from({ length: count }, () => () => {})
    await expect(alice.call('take', functions(callbacksMax))).rejects.toThrow(RangeError)
    const full = alice.call('take', functions(callbacksMax - 1))
    const next = alice.call('take', [() => {}, 'next'])
    await settle()
    expect([alice.load, mallory.calls.length]).toEqual([{ calls: 1, callbacks: callbacksMax }, 1])
    mallory.send({ method: 7, arguments: [], callbacks: {}, links: [] })
    await settle()
    const last = alice.call('take', ['does not overtake'])
    await settle()
    expect(mallory.calls).toHaveLength(1)
    mallory.send({ method: 8, arguments: [], callbacks: {}, links: [] })
    await settle()
    expect([mallory.calls.length, mallory.calls.at(-1)?.arguments[1]]).toEqual([2, 'next'])
    alice.close()
    expect((await Promise.allSettled([full, next, last])).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'rejected',
    ])
  })

  it('come back as functions in an answer, good for one call', async () => {
    const heard: unknown[] = []
    const methods = { open: () => ({ tell: (text: string) => heard.push(text) }) }
    const { alice, bob } = createSessionPair({ bob: { methods } })
    const opened = (await alice.remote.open?.()) as { tell(text: string): void }
    opened.tell('first')
    opened.tell('second')
    await settle()
    expect([heard, bob.load.callbacks]).toEqual([['first'], 0])
  })
})
