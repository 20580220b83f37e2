import { afterEach, describe, expect, it } from '@jest/globals'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { CLOSE_CODES, RPC_LIMITS } from '../src/index.ts'
import { closeSessions, createSessionPair, createVictim, settle } from './actors.ts'

afterEach(closeSessions)

const call = (replyId: number, ...values: unknown[]) => ({
  method: 0,
  arguments: [...values, '[Function]'],
  callbacks: { [replyId]: [String(values.length)] },
  links: [],
})

describe('a method', () => {
  it('is offered under its own id, as dnode does it', async () => {
    const { mallory } = createVictim({ methods: { sum: () => 0, näme: () => 0 } })
    await settle()
    expect(mallory.lines).toEqual([
      '{"method":"methods","arguments":[{"sum":"[Function]","n\\u00e4me":"[Function]"}],"callbacks":{"0":["0","sum"],"1":["0","n\\u00e4me"]},"links":[]}',
    ])
  })

  it('is called by name or number, as often as the peer likes', async () => {
    const seen: unknown[][] = []
    const { mallory } = createVictim({ methods: { note: (...values: unknown[]) => void seen.push(values) } })
    mallory.send({ method: 'note', arguments: ['by name'], callbacks: {}, links: [] })
    mallory.send({ method: 0, arguments: ['by number'], callbacks: {}, links: [] })
    mallory.send('{"method":"cull","arguments":[0]}')
    mallory.send(call(9, 'after a cull'))
    await settle()
    expect(seen).toEqual([['by name'], ['by number'], ['after a cull']])
    expect(mallory.calls.at(-1)).toEqual({ method: 9, arguments: [null, null], callbacks: {}, links: [] })
  })

  it('sees its arguments without the reply function', async () => {
    const { alice } = createSessionPair({ bob: { methods: { count: (...values: unknown[]) => values.length } } })
    expect([await alice.remote.count?.(), await alice.remote.count?.(1, null)]).toEqual([0, 2])
  })

  it('sees the object that it was offered on', async () => {
    const { alice } = createSessionPair({
      bob: {
        methods: {
          one: () => 1,
          two(this: { one(): number }) {
            return this.one() + 1
          },
        },
      },
    })
    expect(await alice.remote.two?.()).toBe(2)
  })

  it('is told of at most 256, under names that travel', () => {
    const methods = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, () => 0]))
    expect(() => createVictim({ methods: methods(RPC_LIMITS.methodsMax) })).not.toThrow()
    expect(() => createVictim({ methods: methods(RPC_LIMITS.methodsMax + 1) })).toThrow(RangeError)
    for (const name of ['methods', 'cull', 'then', 'constructor', 'prototype']) {
      expect(() => createVictim({ methods: { [name]: () => 0 } })).toThrow(TypeError)
    }
    expect(() => createVictim({ methods: JSON.parse('{"__proto__":1}') })).toThrow(TypeError)
    expect(() => createVictim({ methods: { sum: 3 } as never })).toThrow('methods.sum is not a function')
    expect(() => createVictim({ methods: { ['x'.repeat(RPC_LIMITS.lineBytesMax)]: () => 0 } })).toThrow(RangeError)
  })

  it('whose result cannot travel answers with ERR_RPC_RESULT', async () => {
    const methods = {
      big: () => 'x'.repeat(RPC_LIMITS.lineBytesMax),
      bytes: () => new Uint8Array(3),
      trap: async () => JSON.parse('{"a":{"__proto__":1}}'),
    }
    const { alice } = createSessionPair({ bob: { methods } })
    for (const name of Object.keys(methods)) {
      await expect(alice.call(name, [])).rejects.toMatchObject({ code: 'ERR_RPC_REMOTE', cause: { code: 'ERR_RPC_RESULT' } })
    }
  })

  it('that takes 30 s is answered with ERR_RPC_TIMEOUT, and its late result goes nowhere', async () => {
    const runtime = createTestRuntime()
    let finish: (value: unknown) => void = () => {}
    const { mallory } = createVictim({ runtime, methods: { hang: () => new Promise((resolve) => (finish = resolve)) } })
    mallory.send(call(3))
    await settle()
    await runtime.clock.advance(RPC_LIMITS.callTimeoutMs - 1)
    expect(mallory.calls).toEqual([])
    await runtime.clock.advance(1)
    finish('late')
    await settle()
    expect(mallory.calls).toMatchObject([{ method: 3, arguments: [{ code: 'ERR_RPC_TIMEOUT' }] }])
    expect(runtime.clock.pending).toBe(0)
  })

  it('runs at most 256 times at once; one more is answered with ERR_RPC_BUSY', async () => {
    let running = 0
    const { mallory, alice } = createVictim({ methods: { hang: () => new Promise(() => running++) } })
    for (let id = 0; id < RPC_LIMITS.inFlightMax; id++) mallory.send(call(id))
    await settle()
    expect([running, mallory.calls.length]).toEqual([RPC_LIMITS.inFlightMax, 0])
    mallory.send(call(1000))
    await settle()
    expect(running).toBe(RPC_LIMITS.inFlightMax)
    expect(mallory.calls).toMatchObject([{ method: 1000, arguments: [{ code: 'ERR_RPC_BUSY' }] }])
    alice.close()
  })

  it('that returns more functions than there is room for answers with ERR_RPC_RESULT', async () => {
    const functions = (count: number) => Array.from({ length: count }, () => () => 0)
    const { alice, bob } = createSessionPair({ bob: { methods: { give: functions } } })
    expect(await alice.remote.give?.(RPC_LIMITS.callbacksMax)).toHaveLength(RPC_LIMITS.callbacksMax)
    expect(bob.load.callbacks).toBe(RPC_LIMITS.callbacksMax)
    await expect(alice.remote.give?.(1)).rejects.toMatchObject({ cause: { code: 'ERR_RPC_RESULT' } })
    expect(await alice.remote.give?.(0)).toEqual([])
  })

  it('whose answer is refused keeps none of its functions', async () => {
    const methods = { give: () => [() => 0, 'x'.repeat(RPC_LIMITS.lineBytesMax)] }
    const { alice, bob } = createSessionPair({ bob: { methods } })
    await expect(alice.remote.give?.()).rejects.toMatchObject({ cause: { code: 'ERR_RPC_RESULT' } })
    expect(bob.load.callbacks).toBe(0)
  })

  it('that closes the session is the last one called', async () => {
    let called = 0
    const methods = { stop: () => alice.close(), count: () => called++ }
    const { alice, mallory } = createVictim({ methods })
    mallory.send(`${JSON.stringify({ ...call(1), method: 'stop' })}\n${JSON.stringify({ ...call(2), method: 'count' })}`)
    await settle()
    expect(called).toBe(0)
  })

  it('may call a function that it was given once, within 30 s', async () => {
    const runtime = createTestRuntime()
    const given: ((text: unknown) => void)[] = []
    const { mallory } = createVictim({ runtime, methods: { take: (...functions: never[]) => void given.push(...functions) } })
    mallory.send({ method: 0, arguments: ['[Function]', '[Function]', 0], callbacks: { 5: ['0'], 6: ['1'] }, links: [] })
    await settle()
    given[0]?.('once')
    given[0]?.('twice')
    expect(() => given[1]?.(1n)).toThrow(TypeError)
    await settle()
    expect(mallory.calls).toEqual([{ method: 5, arguments: ['once'], callbacks: {}, links: [] }])
    await runtime.clock.advance(RPC_LIMITS.callTimeoutMs)
    given[1]?.('late')
    await settle()
    expect(mallory.calls).toHaveLength(1)
  })
})

describe('a peer that calls and does not read', () => {
  const big = { methods: { big: () => [() => 0, 'x'.repeat(60_000)] } }

  it('is answered with ERR_RPC_BUSY beyond 4 MiB, and loses no answer', async () => {
    const { alice, mallory } = createVictim(big)
    const consume = mallory.raw.consume
    let heldBytes = 0
    mallory.raw.consume = (byteCount) => {
      heldBytes += byteCount
    }
    for (let id = 0; id < 100; id++) mallory.send(call(id))
    await settle()
    mallory.raw.consume = consume
    consume.call(mallory.raw, heldBytes)
    await settle()
    const answers = mallory.calls.filter(({ method }) => method !== 'cull')
    expect(answers.map(({ method }) => method)).toEqual(Array.from({ length: 100 }, (_, id) => id))
    const busy = answers.filter((answer) => answer.arguments[0] !== null)
    expect(busy.length).toBeGreaterThan(20)
    expect(alice.load.callbacks).toBe(answers.length - busy.length)
    expect(busy[0]).toMatchObject({ arguments: [{ code: 'ERR_RPC_BUSY' }] })
    expect(answers.length - busy.length).toBeGreaterThanOrEqual(Math.floor(RPC_LIMITS.unsentAnswerBytesMax / 60_100))
    alice.close()
  })

  it('is reset when even the refusals pile up', async () => {
    const { alice, mallory, end } = createVictim(big)
    mallory.raw.consume = () => {}
    for (let id = 0; id < 1000; id++) mallory.send(call(id))
    expect(await alice.closed).toMatchObject({ by: 'us', code: CLOSE_CODES.answersUnread, error: { code: 'ERR_RPC_PROTOCOL' } })
    expect(end.resetCode).toBe(CLOSE_CODES.answersUnread)
  })
})

describe('used callbacks of the peer', () => {
  const culled = (lines: readonly { method: unknown; arguments: unknown[] }[]) =>
    lines.filter(({ method }) => method === 'cull').flatMap(({ arguments: ids }) => ids)

  it('are culled one batch behind, in order', async () => {
    const { mallory } = createVictim({ methods: { note: () => 0 } })
    for (let id = 0; id < 127; id++) mallory.send(call(id))
    await settle()
    expect(culled(mallory.calls)).toEqual([])
    mallory.send(call(127))
    await settle()
    expect(culled(mallory.calls)).toEqual(Array.from({ length: 64 }, (_, id) => id))
  })

  it('are not culled when they come a second time', async () => {
    const { mallory } = createVictim({ methods: { note: () => 0 } })
    for (let id = 0; id < 300; id++) {
      mallory.send(call(id))
      mallory.send(call(7))
    }
    await settle()
    expect(culled(mallory.calls)).not.toContain(7)
    expect(culled(mallory.calls)).toContain(8)
  })

  it('are never culled again once too many came a second time to remember', async () => {
    const { mallory } = createVictim({ methods: { note: () => 0 } })
    for (let id = 0; id <= RPC_LIMITS.callbacksMax; id++) for (let twice = 0; twice < 2; twice++) mallory.send(call(id))
    for (let id = 1000; id < 1500; id++) mallory.send(call(id))
    await settle()
    expect(culled(mallory.calls)).toEqual([])
  })
})
