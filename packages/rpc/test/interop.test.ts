import { afterEach, describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { closeSessions, createPlainDnode, createSessionPair, openSession, settle } from './actors.ts'
import { createSubstreamPair } from './substream-pair.ts'

afterEach(closeSessions)

type Remote = Record<string, (...args: unknown[]) => void>

const methods = {
  sum: (left: number, right: number) => left + right,
  greet: async (name: string) => `hallå ${name} 🐝`,
  fail: () => {
    throw new SwarmError('The cellar is flooded.', { code: 'ERR_FLOOD' })
  },
  nothing: () => undefined,
  visit: (paths: { deep: ((text: string) => void)[] }) => {
    paths.deep[0]?.('first')
    paths.deep[0]?.('second')
    return 'visited'
  },
}

function createPlainClient(options: { cull?: boolean; pieceBytes?: number } = {}) {
  const [end, plainEnd] = createSubstreamPair(options.pieceBytes ? { pieceBytes: options.pieceBytes } : {})
  const session = openSession({ substream: end, methods, cull: options.cull })
  const plain = createPlainDnode(plainEnd, {})
  const failures: Error[] = []
  plain.on('fail', (error) => failures.push(error))
  const remote = new Promise<Remote>((resolve) => plain.on('remote', resolve))
  return { session, plain, remote, failures, end }
}

const ask = (remote: Remote, name: string, ...args: unknown[]): Promise<unknown[]> =>
  new Promise((resolve) => remote[name]?.(...args, (...answer: unknown[]) => resolve(answer)))

describe('a plain dnode 1.2.2 client', () => {
  it('calls our methods and is answered with (error, result)', async () => {
    const { remote, failures } = createPlainClient()
    const methodsOfOurs = await remote
    expect(Object.keys(methodsOfOurs)).toEqual(Object.keys(methods))
    expect(await ask(methodsOfOurs, 'sum', 1, 2)).toEqual([null, 3])
    expect(await ask(methodsOfOurs, 'greet', 'Åse')).toEqual([null, 'hallå Åse 🐝'])
    expect(await ask(methodsOfOurs, 'fail')).toEqual([{ message: 'The cellar is flooded.', code: 'ERR_FLOOD' }])
    expect(await ask(methodsOfOurs, 'nothing')).toEqual([null, null])
    expect(failures).toEqual([])
  })

  it('has functions inside its arguments called once', async () => {
    const { remote } = createPlainClient()
    const heard: string[] = []
    const answer = await ask(await remote, 'visit', { deep: [(text: string) => heard.push(text)] })
    await settle()
    expect([heard, answer]).toEqual([['first'], [null, 'visited']])
  })

  it('calls without a callback', async () => {
    const { remote, session } = createPlainClient()
    ;(await remote).sum?.(1, 2)
    expect(await ask(await remote, 'sum', 3, 4)).toEqual([null, 7])
    session.close()
  })

  it('reads our text whole however its bytes are cut', async () => {
    const { remote } = createPlainClient({ pieceBytes: 1 })
    expect(await ask(await remote, 'greet', '🐝'.repeat(50))).toEqual([null, `hallå ${'🐝'.repeat(50)} 🐝`])
  })

  it('forgets the callbacks of 5,000 calls, because they are culled', async () => {
    const { remote, plain, failures } = createPlainClient()
    for (let call = 0; call < 5000; call++) await ask(await remote, 'sum', call, 1)
    await settle()
    expect(Object.keys(plain.proto.callbacks.local).length).toBeLessThanOrEqual(128)
    expect(failures).toEqual([])
  })

  it('keeps them all when culling is off, as it does by itself', async () => {
    const { remote, plain } = createPlainClient({ cull: false })
    for (let call = 0; call < 300; call++) await ask(await remote, 'sum', call, 1)
    await settle()
    expect(Object.keys(plain.proto.callbacks.local)).toHaveLength(300)
  })

  it('may pass one function to overlapping calls for ever', async () => {
    const { remote, failures } = createPlainClient()
    const methodsOfOurs = await remote
    const sums: unknown[] = []
    const onSum = (_error: unknown, sum: unknown) => sums.push(sum)
    for (let call = 0; call < 500; call++) {
      methodsOfOurs.sum?.(call, 0, onSum)
      methodsOfOurs.sum?.(call, 1, onSum)
      if (call % 10 === 0) await settle()
    }
    await settle()
    expect(sums).toHaveLength(1000)
    expect(failures).toEqual([])
  })

  it('ends, and the session ends in order', async () => {
    const { remote, plain, session } = createPlainClient()
    await remote
    plain.end()
    expect(await session.closed).toEqual({ by: 'peer', code: 0 })
  })
})

describe('a plain dnode 1.2.2 server', () => {
  const plainMethods = {
    version: '1.0',
    transform: (text: string, reply: (result: string) => void) => reply(text.toUpperCase()),
    divide: (left: number, right: number, reply: (error: unknown, result?: number) => void) =>
      right === 0 ? reply('cannot divide by zero') : reply(null, left / right),
    each: (list: number[], visit: (item: number) => void, reply: (count: number) => void) => {
      list.forEach((item) => {
        visit(item)
      })
      reply(list.length)
    },
    twice: (reply: (error: null, count: number) => void) => {
      reply(null, 1)
      reply(null, 2)
    },
    log: (text: string) => void heard.push(text),
  }
  const heard: string[] = []

  function createClient(reply: 'error-first' | 'result') {
    const [end, plainEnd] = createSubstreamPair()
    const plain = createPlainDnode(plainEnd, plainMethods)
    const session = openSession<{
      divide(left: number, right: number): number
      transform(text: string): string
      twice(): number
    }>({ substream: end, methods, reply })
    return { session, plain }
  }

  it('answers (error, result) by default', async () => {
    const { session } = createClient('error-first')
    expect(await session.remote.divide(6, 3)).toBe(2)
    await expect(session.remote.divide(6, 0)).rejects.toMatchObject({
      code: 'ERR_RPC_REMOTE',
      cause: { message: 'cannot divide by zero' },
    })
  })

  it('answers (result), when the call or the session says so', async () => {
    const { session } = createClient('error-first')
    expect(await session.call('transform', ['héllo'], { reply: 'result' })).toBe('HÉLLO')
    expect(await createClient('result').session.remote.transform('héllo')).toBe('HÉLLO')
  })

  it('takes calls that want no answer', async () => {
    const { session } = createClient('error-first')
    expect(await session.call('log', ['seen'], { reply: 'none' })).toBeUndefined()
    await settle()
    expect(heard).toEqual(['seen'])
    expect(session.load).toEqual({ calls: 0, callbacks: 0 })
  })

  it('may answer twice; the first counts', async () => {
    const { session } = createClient('error-first')
    expect(await session.remote.twice()).toBe(1)
    expect(await session.remote.twice()).toBe(1)
    await settle()
    expect(session.load).toEqual({ calls: 0, callbacks: 0 })
  })

  it('calls a function of ours once', async () => {
    const { session } = createClient('result')
    const seen: unknown[] = []
    expect(await session.call('each', [[7, 8], (item: unknown) => seen.push(item)])).toBe(2)
    expect(seen).toEqual([7])
  })

  it('calls our methods at the same time', async () => {
    const { session, plain } = createClient('error-first')
    const remote = await new Promise<Remote>((resolve) => plain.on('remote', resolve))
    const [there, back] = await Promise.all([session.remote.divide(9, 3), ask(remote, 'sum', 4, 5)])
    expect([there, back]).toEqual([3, [null, 9]])
  })

  it('leaves no callback alive on our side after 20,000 calls', async () => {
    const { alice, bob } = createSessionPair({ bob: { methods } })
    let highest = 0
    for (let round = 0; round < 200; round++) {
      const calls = Array.from({ length: 100 }, (_, call) => alice.remote.sum?.(round, call))
      await Promise.race(calls)
      highest = Math.max(highest, alice.load.callbacks, bob.load.callbacks)
      await Promise.all(calls)
    }
    expect(highest).toBeLessThanOrEqual(100)
    expect([alice.load, bob.load]).toEqual([
      { calls: 0, callbacks: 0 },
      { calls: 0, callbacks: 0 },
    ])
  })
})
