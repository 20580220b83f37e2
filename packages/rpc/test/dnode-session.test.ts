import { afterEach, describe, expect, it } from '@jest/globals'
import { utf8 } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { CLOSE_CODES, RPC_LIMITS } from '../src/index.ts'
import { closeSessions, createSessionPair, createVictim, openSession, settle } from './actors.ts'
import { createSubstreamPair } from './substream-pair.ts'

afterEach(closeSessions)

const line = (parts: object) => ({ method: 0, arguments: [], callbacks: {}, links: [], ...parts })

describe('a session', () => {
  it('gives typed promises', async () => {
    const methods = { sum: (left: number, right: number) => left + right, greet: async (name: string) => `hello ${name}` }
    const { alice } = createSessionPair<typeof methods>({ bob: { methods } })
    const sum: number = await alice.remote.sum(1, 2)
    const greeting: string = await alice.remote.greet('bob')
    // @ts-expect-error: the arguments are typed too
    const typo = alice.remote.sum('1')
    expect([sum, greeting, await typo]).toEqual([3, 'hello bob', '1undefined'])
    // @ts-expect-error: and so are the names
    await expect(alice.remote.difference(1, 2)).rejects.toMatchObject({ code: 'ERR_RPC_NO_METHOD' })
  })

  it('has a remote that is no promise and cannot be changed', async () => {
    const { alice } = createSessionPair()
    const remote = alice.remote
    expect(await remote).toBe(remote)
    expect([Reflect.get(remote, Symbol.toPrimitive), remote.then]).toEqual([undefined, undefined])
    expect(remote.sum).toBe(remote.sum)
    expect(() => Object.assign(remote, { sum: 1 })).toThrow(TypeError)
  })

  it('refuses an option that it does not know', () => {
    const [substream] = createSubstreamPair()
    expect(() => openSession({ substream, methods: {}, context: 1 } as never)).toThrow('no option named context')
  })

  it('carries calls both ways at once', async () => {
    const { alice, bob } = createSessionPair({
      alice: { methods: { double: (value: number) => value * 2 } },
      bob: {
        methods: {
          quadruple: async (value: number): Promise<unknown> => bob.remote.double?.((await bob.remote.double?.(value)) as number),
        },
      },
    })
    expect(await alice.remote.quadruple?.(3)).toBe(12)
  })

  it('is ready when the methods of the peer are known, and rejects that when it ends before', async () => {
    const { alice, mallory } = createVictim()
    mallory.offer()
    expect(await alice.ready).toBeUndefined()
    const other = createVictim()
    other.alice.close()
    await expect(other.alice.ready).rejects.toMatchObject({ code: 'ERR_RPC_CLOSED' })
  })

  it('takes only functions of the first argument as methods, and any value for the others', async () => {
    const { alice, mallory } = createVictim()
    mallory.send(
      line({
        method: 'methods',
        arguments: [{ version: '1.0', near: '[Function]', far: { away: '[Function]' } }, { beside: '[Function]' }],
        callbacks: { 4: ['0', 'near'], 5: ['0', 'far', 'away'], 6: ['1', 'beside'] },
      }),
    )
    await alice.ready
    for (const name of ['version', 'far', 'away', 'beside']) {
      await expect(alice.call(name, [])).rejects.toMatchObject({ code: 'ERR_RPC_NO_METHOD' })
    }
    await alice.call('near', [], { reply: 'none' })
    await settle()
    expect(mallory.calls).toEqual([line({ method: 4 })])
  })

  it('takes a peer without methods', async () => {
    for (const values of [[], [null], ['text'], [[]]]) {
      const { alice, mallory } = createVictim()
      mallory.send(line({ method: 'methods', arguments: values }))
      await expect(alice.ready).resolves.toBeUndefined()
    }
  })
})

describe('the end of a session', () => {
  it('is in order on both sides when one closes', async () => {
    const { alice, bob, ends } = createSessionPair()
    await alice.ready
    alice.close()
    alice.close()
    expect([await alice.closed, await bob.closed, await ends[0].closed]).toEqual([
      { by: 'us', code: 0 },
      { by: 'peer', code: 0 },
      { kind: 'finished' },
    ])
  })

  it('sends the answers that are ready', async () => {
    const { alice, bob } = createSessionPair({
      bob: {
        methods: {
          last: () => {
            queueMicrotask(() => bob.close())
            return 'said'
          },
        },
      },
    })
    expect(await alice.remote.last?.()).toBe('said')
    expect(await alice.closed).toEqual({ by: 'peer', code: 0 })
  })

  it('does not wait long for a peer that does not end', async () => {
    const runtime = createTestRuntime()
    const { alice, end } = createVictim({ runtime })
    alice.close()
    await runtime.clock.advance(RPC_LIMITS.closeTimeoutMs - 1)
    expect(end.resetCode).toBeUndefined()
    await runtime.clock.advance(1)
    expect([await alice.closed, end.resetCode]).toEqual([{ by: 'us', code: 0 }, 0])
    expect(runtime.clock.pending).toBe(0)
  })

  it('leaves no timer behind', async () => {
    const runtime = createTestRuntime()
    const { alice } = createSessionPair({ alice: { runtime }, bob: { runtime, methods: { hang: () => new Promise(() => {}) } } })
    await alice.ready
    const call = alice.call('hang', []).catch((error) => error.code)
    await settle()
    expect(runtime.clock.pending).toBe(2)
    alice.close()
    expect(await call).toBe('ERR_RPC_CLOSED')
    await settle()
    expect(runtime.clock.pending).toBe(0)
  })

  it('comes with an error when the peer resets the substream', async () => {
    const { alice, mallory } = createVictim()
    mallory.offer('wait')
    const call = alice.remote.wait?.()
    await settle()
    mallory.raw.reset(3)
    expect(await alice.closed).toMatchObject({ by: 'peer', error: { code: 'ERR_RPC_CLOSED' } })
    await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_CLOSED' })
  })

  it('reads no more, but gives the credit back', async () => {
    let called = 0
    const { alice, mallory, end } = createVictim({ methods: { count: () => called++ } })
    alice.close()
    mallory.send(line({}))
    mallory.send('not a line')
    await settle()
    expect([called, end.unconsumedBytes]).toEqual([0, 0])
  })
})

describe('a peer that breaks the protocol', () => {
  const broken: readonly (readonly [title: string, bytes: string | Uint8Array, code: keyof typeof CLOSE_CODES])[] = [
    ['writes null, which makes dnode 1.2.2 throw', 'null\n', 'badShape'],
    ['writes a line without end', 'x'.repeat(RPC_LIMITS.lineBytesMax + 1), 'lineTooLong'],
    ['writes no UTF-8', Uint8Array.of(0xff, 0x0a), 'notUtf8'],
    ['writes no JSON', 'GET / HTTP/1.1\r\n\r\n', 'notJson'],
    ['nests deep', `${'['.repeat(30_000)}${']'.repeat(30_000)}\n`, 'badShape'],
    ['calls an unknown method', `${JSON.stringify(line({ method: 'unknown' }))}\n`, 'unknownMethod'],
    ['calls an inherited method', `${JSON.stringify(line({ method: 'toString' }))}\n`, 'unknownMethod'],
    ['calls __proto__', `${JSON.stringify(line({ method: '__proto__' }))}\n`, 'unknownMethod'],
    ['calls an id that was never given out', `${JSON.stringify(line({ method: 1 }))}\n`, 'unknownCallback'],
    ['calls an id of a milliard', `${JSON.stringify(line({ method: 1e9 }))}\n`, 'unknownCallback'],
    ['culls an id that was never given out', '{"method":"cull","arguments":[1]}\n', 'unknownCallback'],
    ['culls what is no id', '{"method":"cull","arguments":["0"]}\n', 'badCallback'],
    ['links', `${JSON.stringify(line({ arguments: [1, 2], links: [{ from: ['0'], to: ['1'] }] }))}\n`, 'badShape'],
    ['tells its methods twice', `${JSON.stringify(line({ method: 'methods' }))}\n`.repeat(2), 'secondMethods'],
    [
      'reaches for a prototype',
      `${JSON.stringify(line({ arguments: ['[Function]'], callbacks: { 0: ['__proto__'] } }))}\n`,
      'forbiddenKey',
    ],
  ]

  for (const [title, bytes, code] of broken) {
    it(`and ${title} is reset with ${CLOSE_CODES[code]}`, async () => {
      const runtime = createTestRuntime()
      const { alice, mallory, end } = createVictim({ runtime, methods: { sum: () => 0 } })
      const call = alice.remote.wait?.().catch((error) => error.code)
      mallory.raw.write(typeof bytes === 'string' ? utf8(bytes) : bytes)
      expect(await alice.closed).toMatchObject({ by: 'us', code: CLOSE_CODES[code], error: { code: 'ERR_RPC_PROTOCOL' } })
      expect([end.resetCode, await call, runtime.clock.pending]).toEqual([
        CLOSE_CODES[code],
        expect.stringMatching(/CLOSED|NO_METHOD/),
        0,
      ])
      expect(runtime.lines.filter((logged) => logged.startsWith('warn: A peer broke the rpc protocol'))).toHaveLength(1)
    })
  }

  it('and ends inside a line is reset with 12', async () => {
    const { alice, mallory } = createVictim()
    mallory.raw.write(utf8('{"method"'))
    mallory.raw.end()
    expect(await alice.closed).toMatchObject({ code: CLOSE_CODES.truncatedLine })
  })

  it('and is not heard any more, not even in the same bytes', async () => {
    let called = 0
    const { alice, mallory } = createVictim({ methods: { count: () => called++ } })
    mallory.send(`${JSON.stringify(line({}))}\nnull\n${JSON.stringify(line({}))}`)
    await alice.closed
    expect(called).toBe(1)
  })
})

describe('whatever a peer sends', () => {
  const seed = Date.now() & 0x7fffffff
  const codes: ReadonlySet<number> = new Set(Object.values(CLOSE_CODES))
  const valid = [
    line({ method: 'methods', arguments: [{ a: '[Function]' }], callbacks: { 0: ['0', 'a'] } }),
    line({ arguments: [1, '[Function]'], callbacks: { 3: ['1'] } }),
    line({ method: 'echo', arguments: [{ deep: ['[Function]'] }, 'ü'], callbacks: { 4: ['0', 'deep', '0'] } }),
    line({ method: 2, arguments: [null, 'answer'] }),
    line({ method: 2, arguments: [{ message: 'failed' }] }),
    { method: 'cull', arguments: [2] },
  ].map((request) => `${JSON.stringify(request)}\n`)

  async function survive(chunks: readonly Uint8Array[]): Promise<void> {
    const { alice, mallory } = createVictim({
      methods: { echo: (value: unknown) => value, fail: () => Promise.reject(new Error('no')) },
    })
    const call = alice.remote
      .a?.(() => {})
      .then(
        () => 'answered',
        (error) => error.code,
      )
    for (const chunk of chunks) mallory.raw.write(chunk)
    mallory.raw.end()
    const reason = await alice.closed
    expect(codes).toContain(reason.code)
    expect(reason.code === 0).toBe(reason.error === undefined)
    expect(['answered', 'ERR_RPC_CLOSED', 'ERR_RPC_NO_METHOD', 'ERR_RPC_REMOTE', 'ERR_RPC_NO_ANSWER']).toContain(await call)
    expect(alice.load).toEqual({ calls: 0, callbacks: 0 })
  }

  it(`ends in a number: random bytes (seed ${seed})`, async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), survive), {
      seed,
      numRuns: 1000,
    })
  })

  it(`ends in a number: valid lines with bytes changed (seed ${seed})`, async () => {
    const edit = fc.record({
      at: fc.nat(400),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(0x22, 0x30, 0x2c, 0x5b, 0x7b, 0x0a)),
      drop: fc.nat(2),
    })
    const text = fc.array(fc.constantFrom(...valid), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(text, fc.array(edit, { maxLength: 3 }), (lines, edits) => {
        let bytes = [...utf8(lines.join(''))]
        for (const { at, byte, drop } of edits) bytes = [...bytes.slice(0, at), byte, ...bytes.slice(at + drop)]
        return survive([Uint8Array.from(bytes)])
      }),
      { seed, numRuns: 1500 },
    )
  })
})
