import { afterEach, describe, expect, it } from '@jest/globals'
import { encodeBase64Url } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createSignalExchange, type SignalExchange } from '../src/index.ts'
import { BOX_BYTES_MAX, FIRST_DIAL_GRACE_MS, LOOKUP_CALL_KEYS_MAX, REGISTRATION_WAIT_MS } from '../src/limits.ts'
import { CLOSE_CODES } from '../src/protocol.ts'
import { createFakeNetwork, type FakeConnection } from './fake-server.ts'

const alice = createKeyPair({ seed: new Uint8Array(32).fill(1) })
const bob = createKeyPair({ seed: new Uint8Array(32).fill(2) })
const id = 'ab'.repeat(16)
const signal = { to: bob.peerId, id, box: new Uint8Array(1152) }
const URLS = ['ws://one.example/', 'ws://two.example/'] as const

let exchange: SignalExchange | undefined
afterEach(() => exchange?.close())

function open(urls: readonly string[] = URLS) {
  const runtime = createTestRuntime({ seed: 3 })
  const { connections, webSocket } = createFakeNetwork()
  const opened = createSignalExchange({ urls, keyPair: alice, network: 'test', runtime, webSocket })
  exchange = opened
  const at = (name: 'one' | 'two'): FakeConnection =>
    connections.findLast((connection) => connection.url.includes(name)) as FakeConnection
  return { exchange: opened, runtime, connections, at }
}

/** What a promise came to by now. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'pending' }
  promise.then(
    (value) => {
      watched.outcome = value ?? 'resolved'
    },
    (error: { code: string }) => {
      watched.outcome = error.code
    },
  )
  return watched
}

describe('creating an exchange', () => {
  it('dials every server once, however it is spelled', () => {
    const { connections, exchange } = open(['ws://ONE.example', 'ws://one.example:80/', 'wss://two.example'])
    expect(connections.map(({ url }) => url)).toEqual(['ws://one.example/', 'wss://two.example/'])
    expect(exchange.servers).toEqual([
      { url: 'ws://one.example/', state: 'connecting' },
      { url: 'wss://two.example/', state: 'connecting' },
    ])
  })

  it('names the argument that is wrong', () => {
    const options = { urls: [], keyPair: alice, network: 'test', runtime: createTestRuntime() }
    expect(() => createSignalExchange({ ...options, urls: ['http://one.example'] })).toThrow(TypeError)
    expect(() => createSignalExchange({ ...options, urls: 'ws://one.example' as never })).toThrow(TypeError)
    expect(() => createSignalExchange({ ...options, colour: 1 } as never)).toThrow(/unknown option 'colour'/)
    for (const network of ['', 'x'.repeat(65), 'é'.repeat(33)]) {
      expect(() => createSignalExchange({ ...options, network })).toThrow(RangeError)
    }
    const urls = (count: number) => Array.from({ length: count }, (_, index) => `ws://server-${index}.example`)
    expect(() => open(urls(17))).toThrow(RangeError)
    expect(open(urls(16)).connections).toHaveLength(16)
  })
})

describe('ready', () => {
  it('comes with the first registration, at whichever server', async () => {
    const { at, exchange } = open()
    const ready = watch(exchange.ready)
    at('one').fail('gone')
    at('two').register()
    await exchange.ready
    expect(ready.outcome).toBe('resolved')
  })

  it('ends with the exchange, and without servers only then', async () => {
    const { exchange, runtime } = open([])
    const ready = watch(exchange.ready)
    await runtime.clock.advance(1_000_000)
    expect(ready.outcome).toBe('pending')
    await exchange.close()
    await runtime.clock.advance(0)
    expect(ready.outcome).toBe('ERR_SIGNAL_CLOSED')
  })
})

describe('sending', () => {
  it('asks all registered servers at once and is done with the first that has sent', async () => {
    const { at, exchange, runtime } = open()
    at('one').register()
    at('two').register()
    const sending = watch(exchange.send(signal))
    expect([at('one').frames.length, at('two').frames.length]).toEqual([2, 2]) // the login, and the signal
    at('one').say({ type: 'failed', id, code: 'offline' })
    await runtime.clock.advance(0)
    expect(sending.outcome).toBe('pending')
    at('two').say({ type: 'sent', id })
    await runtime.clock.advance(0)
    expect(sending.outcome).toBe('resolved')
  })

  for (const [codes, expected] of [
    [['offline', 'offline'], 'ERR_SIGNAL_OFFLINE'],
    [['offline', 'rate'], 'ERR_SIGNAL_RATE'],
    [['rate', 'size'], 'ERR_SIGNAL_TOO_LARGE'],
  ] as const) {
    it(`fails with ${expected} when the servers say ${codes.join(' and ')}`, async () => {
      const { at, exchange, runtime } = open()
      at('one').register()
      at('two').register()
      const sending = watch(exchange.send(signal))
      at('one').say({ type: 'failed', id, code: codes[0] })
      at('two').say({ type: 'failed', id, code: codes[1] })
      await runtime.clock.advance(0)
      expect(sending.outcome).toBe(expected)
    })
  }

  it('waits for the first registration, but not forever', async () => {
    const { at, exchange, runtime } = open()
    const early = watch(exchange.send(signal))
    const other = watch(exchange.send({ ...signal, id: 'cd'.repeat(16) }))
    await runtime.clock.advance(REGISTRATION_WAIT_MS - 100)
    at('two').register()
    at('two').say({ type: 'sent', id })
    await runtime.clock.advance(0)
    expect([early.outcome, other.outcome]).toEqual(['resolved', 'pending'])
    await exchange.close()

    const lonely = open()
    const sending = watch(lonely.exchange.send(signal))
    await lonely.runtime.clock.advance(REGISTRATION_WAIT_MS - 1)
    expect(sending.outcome).toBe('pending')
    await lonely.runtime.clock.advance(1)
    expect(sending.outcome).toBe('ERR_SIGNAL_NO_SERVER')
  })

  it('says at once that there is no server when none is left to wait for', async () => {
    for (const urls of [[], ['ws://one.example']]) {
      const { connections, exchange, runtime } = open(urls)
      for (const connection of connections) {
        connection.register()
        connection.end('displaced')
      }
      const [sending, looking] = [watch(exchange.send(signal)), watch(exchange.lookup([bob.peerId]))]
      await runtime.clock.advance(0)
      expect([sending.outcome, looking.outcome]).toEqual(['ERR_SIGNAL_NO_SERVER', 'ERR_SIGNAL_NO_SERVER'])
    }
  })

  it('gives a server that is just being dialled a moment before it says offline', async () => {
    const { at, exchange, runtime } = open()
    at('one').register()
    const sending = watch(exchange.send(signal))
    at('one').say({ type: 'failed', id, code: 'offline' })
    await runtime.clock.advance(FIRST_DIAL_GRACE_MS / 2)
    expect(sending.outcome).toBe('pending')
    at('two').register()
    at('two').say({ type: 'sent', id })
    await runtime.clock.advance(0)
    expect(sending.outcome).toBe('resolved')
  })

  it('does not let a dead server delay the bad news, neither a silent nor a refusing one', async () => {
    const silent = open()
    silent.at('one').register()
    await silent.runtime.clock.advance(FIRST_DIAL_GRACE_MS)
    const late = watch(silent.exchange.send(signal))
    silent.at('one').say({ type: 'failed', id, code: 'offline' })
    await silent.runtime.clock.advance(0)
    expect(late.outcome).toBe('ERR_SIGNAL_OFFLINE')
    await silent.exchange.close()

    const refusing = open()
    refusing.at('one').register()
    refusing.at('two').fail('ECONNREFUSED')
    const sending = watch(refusing.exchange.send(signal))
    refusing.at('one').say({ type: 'failed', id, code: 'offline' })
    await refusing.runtime.clock.advance(0)
    expect(sending.outcome).toBe('ERR_SIGNAL_OFFLINE')
  })

  it('asks again a server that came back before the time was up', async () => {
    const { at, exchange, runtime } = open(['ws://one.example'])
    at('one').register()
    const sending = watch(exchange.send(signal))
    at('one').end(1006)
    await runtime.clock.advance(200)
    at('one').register()
    expect(at('one').frames.map(({ type }) => type)).toEqual(['register', 'send'])
    at('one').say({ type: 'sent', id })
    await runtime.clock.advance(0)
    expect(sending.outcome).toBe('resolved')
  })

  it('checks its arguments, takes a box of the largest size and none larger', async () => {
    const { at, exchange } = open(['ws://one.example'])
    at('one').register()
    await expect(exchange.send({ ...signal, to: 'bob' as never })).rejects.toThrow(TypeError)
    await expect(exchange.send({ ...signal, id: 'AB'.repeat(16) })).rejects.toThrow(TypeError)
    await expect(exchange.send({ ...signal, box: new Uint8Array(0) })).rejects.toThrow(TypeError)
    await expect(exchange.send({ ...signal, box: new Uint8Array(BOX_BYTES_MAX + 1) })).rejects.toMatchObject({
      code: 'ERR_SIGNAL_TOO_LARGE',
    })
    const sending = exchange.send({ ...signal, box: new Uint8Array(BOX_BYTES_MAX) })
    at('one').say({ type: 'sent', id })
    await sending
  })

  it('ends by the caller’s own signal, before and while it waits', async () => {
    const { exchange, runtime } = open()
    const abort = new AbortController()
    const sending = watch(exchange.send(signal, { signal: abort.signal }))
    const looking = watch(exchange.lookup([bob.peerId], { signal: abort.signal }))
    await runtime.clock.advance(10)
    abort.abort()
    await runtime.clock.advance(0)
    expect([sending.outcome, looking.outcome]).toEqual(['ERR_ABORTED', 'ERR_ABORTED'])
    await expect(exchange.send(signal, { signal: abort.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(exchange.lookup([bob.peerId], { signal: abort.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })
})

describe('receiving', () => {
  it('hands over once what both servers bring, and a second box under the same id too', () => {
    const { at, exchange } = open()
    const received: string[] = []
    exchange.onSignal = ({ box }) => received.push(new TextDecoder().decode(box))
    at('one').register()
    at('two').register()
    // Mallory's server is faster and put another box under the id; the true one still comes through.
    at('two').say({ type: 'signal', id, box: 'bWFsbG9yeQ' })
    at('one').say({ type: 'signal', id, box: 'dHJ1ZQ' })
    at('two').say({ type: 'signal', id, box: 'dHJ1ZQ' })
    at('one').say({ type: 'signal', id, box: 'dHJ1ZQ' })
    expect(received).toEqual(['mallory', 'true'])
  })

  it('drops a box that is larger than any of ours', () => {
    const { at, exchange } = open(['ws://one.example'])
    let received = 0
    exchange.onSignal = () => received++
    at('one').register()
    at('one').say({ type: 'signal', id, box: 'A'.repeat(Math.ceil(((BOX_BYTES_MAX + 1) * 4) / 3)) })
    expect(received).toBe(0)
    at('one').say({ type: 'signal', id, box: 'A'.repeat(Math.ceil((BOX_BYTES_MAX * 4) / 3)) })
    expect(received).toBe(1)
  })
})

describe('looking up', () => {
  it('joins what the servers know, and does not wait for the slow one once everybody is found', async () => {
    const { at, exchange, runtime } = open()
    at('one').register()
    at('two').register()
    const carol = createKeyPair().peerId
    const looking = watch(exchange.lookup([bob.peerId, carol]))
    await runtime.clock.advance(0)
    const question = at('two').frames[1]
    if (question?.type !== 'lookup') throw new Error('it did not ask')
    at('two').say({ type: 'online', id: question.id, keys: [bob.peerId, carol, alice.peerId] })
    await runtime.clock.advance(0)
    expect(looking.outcome).toEqual(new Set([bob.peerId, carol]))
  })

  it('fails rather than call somebody offline whom no server was able to look for', async () => {
    const { at, exchange, runtime } = open()
    at('one').register()
    const looking = watch(exchange.lookup([bob.peerId]))
    await runtime.clock.advance(0)
    const question = at('one').frames[1]
    if (question?.type !== 'lookup') throw new Error('it did not ask')
    at('one').say({ type: 'failed', id: question.id, code: 'rate' })
    await runtime.clock.advance(0)
    expect(looking.outcome).toBe('ERR_SIGNAL_RATE')
  })

  it('takes as many keys as its limit and not one more', async () => {
    const { exchange } = open()
    const ids = (count: number) => Array.from({ length: count }, () => bob.peerId)
    await expect(exchange.lookup(ids(LOOKUP_CALL_KEYS_MAX + 1))).rejects.toThrow(RangeError)
    await expect(exchange.lookup(['bob' as never])).rejects.toThrow(TypeError)
    const most = watch(exchange.lookup(ids(LOOKUP_CALL_KEYS_MAX)))
    await Promise.resolve()
    expect(most.outcome).toBe('pending')
  })
})

describe('being displaced', () => {
  it('is told once, leaves that server and keeps the others', async () => {
    const { at, connections, exchange, runtime } = open()
    let displaced = 0
    exchange.onDisplaced = () => displaced++
    at('one').register()
    at('two').register()
    at('one').end('displaced')
    expect(exchange.servers.map(({ state }) => state)).toEqual(['displaced', 'registered'])
    expect(displaced).toBe(0) // one server may lie
    at('two').end('displaced')
    await runtime.clock.advance(1_000_000)
    expect(displaced).toBe(1)
    expect(connections).toHaveLength(2)
  })
})

describe('the servers’ clock', () => {
  it('is the median of what they said', () => {
    const { at, exchange, runtime } = open()
    expect(exchange.clockOffsetMs).toBeUndefined()
    at('one').challenge({ time: runtime.clock.now() + 5_000_000 })
    expect(exchange.clockOffsetMs).toBe(5_000_000)
    at('two').challenge({ time: runtime.clock.now() - 40 })
    expect(exchange.clockOffsetMs).toBe(-40)
  })
})

describe('closing', () => {
  it('ends everything that waits, with no timer left', async () => {
    const { at, connections, exchange, runtime } = open()
    at('one').register()
    const waiting = [watch(exchange.send(signal)), watch(exchange.lookup([bob.peerId]))]
    await runtime.clock.advance(0)
    await Promise.all([exchange.close(), exchange.close()])
    await runtime.clock.advance(0)
    expect(waiting.map(({ outcome }) => outcome)).toEqual(['ERR_SIGNAL_CLOSED', 'ERR_SIGNAL_CLOSED'])
    expect(runtime.clock.pending).toBe(0)
    expect(connections.every(({ isCut }) => isCut)).toBe(true)
    for (const late of [exchange.send(signal), exchange.lookup([bob.peerId])]) {
      await expect(late).rejects.toMatchObject({ code: 'ERR_SIGNAL_CLOSED', retryable: false })
    }
  })
})

describe('a server that was added', () => {
  it('is dialled, sends and receives like the others, until it is closed', async () => {
    const { at, exchange, connections } = open(['ws://one.example/'])
    const heard: string[] = []
    exchange.onSignal = ({ id: heardId }) => heard.push(heardId)
    const added = exchange.add('ws://TWO.example')
    expect(added.url).toBe('ws://two.example/')
    at('two').register()
    await added.registered
    at('two').say({ type: 'signal', id, box: encodeBase64Url(signal.box) })
    expect(heard).toEqual([id])
    const sent = exchange.send(signal)
    at('two').say({ type: 'sent', id })
    await sent
    added.close()
    added.close()
    expect(at('two').closedWith).toBe(CLOSE_CODES.finished)
    expect(exchange.servers.map(({ url }) => url)).toEqual(['ws://one.example/'])
    expect(connections).toHaveLength(2)
  })

  it('gets a signal that waits for any server', async () => {
    const { at, exchange } = open([])
    const added = exchange.add('ws://two.example/')
    const sent = exchange.send(signal)
    at('two').register()
    await Promise.all([added.registered, exchange.ready])
    at('two').say({ type: 'sent', id })
    await sent
    expect(at('two').frames.map(({ type }) => type)).toEqual(['register', 'send'])
  })

  it('is tried once: its first failure ends it', async () => {
    const { at, exchange, connections, runtime } = open([])
    const added = exchange.add('ws://two.example/')
    at('two').fail('gone')
    await expect(added.registered).rejects.toMatchObject({ code: 'ERR_SIGNAL_CONNECT' })
    await runtime.clock.advance(100_000)
    expect([exchange.servers, connections.length]).toEqual([[], 1])
  })

  it('is never believed that we were displaced', async () => {
    const { at, exchange } = open([])
    let displaced = 0
    exchange.onDisplaced = () => displaced++
    const added = exchange.add('ws://two.example/')
    at('two').register()
    await added.registered
    at('two').end('displaced')
    expect([displaced, exchange.servers]).toEqual([0, []])
  })

  it('keeps nobody who was displaced at all named servers', async () => {
    const { at, exchange } = open(['ws://one.example/'])
    let displaced = 0
    exchange.onDisplaced = () => displaced++
    exchange.add('ws://two.example/')
    for (const name of ['one', 'two'] as const) at(name).register()
    at('one').end('displaced')
    expect(displaced).toBe(1)
  })

  it('tells a time that never counts as that of a named one', () => {
    const { at, exchange, runtime } = open(['ws://one.example/'])
    exchange.add('ws://two.example/')
    at('two').challenge({ time: runtime.clock.now() + 7_000 })
    expect(exchange).toMatchObject({ clockOffsetMs: undefined, addedClockOffsetMs: 7_000 })
    at('one').challenge({ time: runtime.clock.now() + 1_000 })
    expect(exchange).toMatchObject({ clockOffsetMs: 1_000, addedClockOffsetMs: 7_000 })
  })

  it('is another than those that are there, and at most the sixteenth', async () => {
    const { exchange } = open(Array.from({ length: 15 }, (_, index) => `ws://server-${index}.example`))
    expect(() => exchange.add('ws://SERVER-3.example/')).toThrow(TypeError)
    expect(() => exchange.add('http://two.example/')).toThrow(TypeError)
    const sixteenth = exchange.add('ws://two.example/')
    expect(() => exchange.add('ws://three.example/')).toThrow(RangeError)
    sixteenth.close()
    exchange.add('ws://three.example/')
    await exchange.close()
    await expect(sixteenth.registered).rejects.toMatchObject({ code: 'ERR_SIGNAL_CLOSED' })
    expect(() => exchange.add('ws://four.example/')).toThrow(expect.objectContaining({ code: 'ERR_SIGNAL_CLOSED' }))
  })
})
