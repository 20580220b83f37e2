import { afterEach, describe, expect, it } from '@jest/globals'
import { decodeBase64Url } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { KEEPALIVE_MS, LOGIN_TIMEOUT_MS, RECONNECT_MS_MAX, REPLY_TIMEOUT_MS, SIGNALS_IN_RATE } from '../src/limits.ts'
import { verifyLogin } from '../src/protocol.ts'
import { createSignalClient, type SignalClient } from '../src/signal-client.ts'
import { createFakeNetwork, type FakeConnection } from './fake-server.ts'

const alice = createKeyPair({ seed: new Uint8Array(32).fill(1) })
const bob = createKeyPair({ seed: new Uint8Array(32).fill(2) })
const id = 'ab'.repeat(16)

let client: SignalClient | undefined
afterEach(() => client?.close())

function open({ url = 'ws://signals.example/' } = {}) {
  const runtime = createTestRuntime({ seed: 5 })
  const { connections, webSocket } = createFakeNetwork()
  const signals: string[] = []
  let changes = 0
  const opened = createSignalClient({
    url,
    keyPair: alice,
    runtime,
    webSocket,
    onSignal: (signal) => signals.push(signal.id),
    onChange: () => changes++,
  })
  client = opened
  const latest = (): FakeConnection => connections[connections.length - 1] as FakeConnection
  return { client: opened, runtime, connections, latest, signals, changes: () => changes }
}

describe('logging in', () => {
  it('answers the challenge with a signature over this server, this nonce, this key and the server’s time', () => {
    const { client, latest, runtime } = open()
    const nonce = new Uint8Array(32).fill(9)
    const time = runtime.clock.now() + 90_000
    latest().challenge({ time, nonce })
    const [frame] = latest().frames
    if (frame?.type !== 'register') throw new Error('no login')
    expect(frame).toMatchObject({ key: alice.peerId, origin: 'ws://signals.example/', time })
    const signature = decodeBase64Url(frame.signature) as Uint8Array
    const claim = { origin: frame.origin, nonce, timeMs: time }
    expect(verifyLogin({ publicKey: alice.publicKey, claim, signature })).toBe(true)
    expect(verifyLogin({ publicKey: alice.publicKey, claim: { ...claim, origin: 'ws://mallory.example/' }, signature })).toBe(
      false,
    )
    expect(client.clockOffsetMs).toBe(90_000)
    expect(client.state).toBe('connecting')
  })

  it('is registered when the server says so, and tells', () => {
    const { client, latest, changes } = open()
    expect(client.isFresh).toBe(true)
    latest().register()
    expect(client).toMatchObject({ state: 'registered', error: undefined, isFresh: false })
    expect(changes()).toBe(1)
  })

  it('gives up a login that takes longer than its time, not a moment earlier, and dials again', async () => {
    const { client, latest, connections, runtime } = open()
    latest().challenge()
    await runtime.clock.advance(LOGIN_TIMEOUT_MS - 1)
    expect(client.state).toBe('connecting')
    await runtime.clock.advance(1)
    expect(client).toMatchObject({ state: 'waiting', error: { code: 'ERR_SIGNAL_CONNECT', retryable: true } })
    expect(connections[0]).toMatchObject({ closedWith: 1000, isCut: true })
    await runtime.clock.advance(200)
    expect(connections).toHaveLength(2)
    expect(client).toMatchObject({ state: 'connecting', isFresh: false })
  })

  it('leaves a server that speaks otherwise, with a number', () => {
    const twice = (server: FakeConnection) => {
      server.challenge()
      server.challenge()
    }
    const confirmTwice = (server: FakeConnection) => {
      server.register()
      server.say({ type: 'registered', limits: limits() })
    }
    for (const [speak, code] of [
      [(server: FakeConnection) => server.sayRaw('hello'), 4000],
      [(server: FakeConnection) => server.sayRaw(new ArrayBuffer(4)), 4000],
      [(server: FakeConnection) => server.sayRaw(`{"type":"sent","id":"${id}","more":1}`), 4000],
      [(server: FakeConnection) => server.sayRaw('x'.repeat(16_385)), 4000],
      [twice, 4001],
      [(server: FakeConnection) => server.say({ type: 'registered', limits: limits() }), 4001],
      [confirmTwice, 4001],
      [(server: FakeConnection) => server.say({ type: 'signal', id, box: 'AAAA' }), 4001],
    ] as const) {
      const { client, latest } = open()
      speak(latest())
      expect(client).toMatchObject({ state: 'waiting', error: { code: 'ERR_SIGNAL_PROTOCOL', retryable: false } })
      expect(latest()).toMatchObject({ closedWith: code, isCut: true })
      client.close()
    }
  })

  it('survives a platform that refuses the URL', async () => {
    const { client, runtime } = open({ url: 'ws://unspeakable/' })
    await runtime.clock.advance(0)
    expect(client).toMatchObject({ state: 'waiting', error: { code: 'ERR_SIGNAL_CONNECT' } })
  })
})

const limits = () => ({
  boxBytes: 4096,
  sends: { perSecond: 1, burst: 2 },
  lookups: { perSecond: 1, burst: 2 },
})

describe('coming back', () => {
  it('dials again after longer and longer pauses up to the longest, and forgets them after a lasting registration', async () => {
    const { client, connections, latest, runtime } = open()
    const pauses: number[] = []
    for (let failure = 0; failure < 12; failure++) {
      latest().fail('ECONNREFUSED')
      expect(client).toMatchObject({ state: 'waiting', error: { code: 'ERR_SIGNAL_CONNECT' } })
      expect(client.error?.message).toContain('ECONNREFUSED')
      const [beganMs, dials] = [runtime.clock.monotonic(), connections.length]
      while (connections.length === dials) await runtime.clock.advance(25)
      pauses.push(runtime.clock.monotonic() - beganMs)
    }
    expect(pauses[0]).toBeLessThanOrEqual(225)
    expect(pauses[11]).toBeGreaterThanOrEqual(RECONNECT_MS_MAX / 2)
    expect(pauses[11]).toBeLessThanOrEqual(RECONNECT_MS_MAX + 25)
    latest().register()
    await runtime.clock.advance(10_000)
    const dials = connections.length
    latest().end('goingAway')
    await runtime.clock.advance(200)
    expect(connections).toHaveLength(dials + 1)
  })

  it('keeps the pauses growing for a server that takes logins only to drop them', async () => {
    const { connections, latest, runtime } = open()
    for (let round = 0; round < 6; round++) {
      latest().register()
      latest().end(1006)
      const dials = connections.length
      while (connections.length === dials) await runtime.clock.advance(50)
    }
    expect(runtime.clock.monotonic()).toBeGreaterThan(6_000 / 2)
  })

  it('says in words what a server closed with', () => {
    for (const [code, expected, word] of [
      ['displaced', 'ERR_SIGNAL_DISPLACED', 'newer login'],
      ['loginOrigin', 'ERR_SIGNAL_REFUSED', '--origin ws://signals.example/'],
      ['loginTime', 'ERR_SIGNAL_REFUSED', '4004'],
      ['loginSignature', 'ERR_SIGNAL_REFUSED', '4005'],
      ['frameInvalid', 'ERR_SIGNAL_PROTOCOL', '4000'],
      ['frameUnexpected', 'ERR_SIGNAL_PROTOCOL', '4001'],
      ['frameTooLarge', 'ERR_SIGNAL_PROTOCOL', '1009'],
      ['goingAway', 'ERR_SIGNAL_LOST', '1001'],
      [4999, 'ERR_SIGNAL_LOST', '4999: who knows'],
    ] as const) {
      const { client, latest } = open()
      latest().challenge()
      latest().end(code, code === 4999 ? 'who knows' : '')
      expect(client.error?.code).toBe(expected)
      expect(client.error?.message).toContain(word)
      client.close()
    }
  })

  it('does not come back where a newer login took over', async () => {
    const { client, connections, latest, runtime } = open()
    latest().register()
    latest().end('displaced')
    await runtime.clock.advance(10 * RECONNECT_MS_MAX)
    expect(client.state).toBe('displaced')
    expect(connections).toHaveLength(1)
    expect(runtime.clock.pending).toBe(0)
  })

  it('leaves no timer and no open socket behind, in whatever state it is closed', async () => {
    for (const prepare of [
      async () => {},
      async (latest: () => FakeConnection) => latest().challenge(),
      async (latest: () => FakeConnection) => latest().register(),
      async (latest: () => FakeConnection) => latest().fail('gone'),
    ]) {
      const { client, connections, latest, runtime } = open()
      await prepare(latest)
      client.close()
      client.close()
      expect(runtime.clock.pending).toBe(0)
      expect(latest().isCut).toBe(true)
      latest().sayRaw('late')
      latest().end(1000)
      await runtime.clock.advance(100_000)
      expect(connections).toHaveLength(1)
      expect(client.state).toBe('waiting')
    }
  })
})

describe('a registered connection', () => {
  const frame = { type: 'send', to: bob.peerId, id, box: 'A'.repeat(1536) } as const

  it('hands each answer to its question', async () => {
    const { client, latest } = open()
    latest().register()
    const sends = ['01', '02', '03', '04'].map((byte) => client.send({ ...frame, id: byte.repeat(16) }))
    latest().say({ type: 'failed', id: '03'.repeat(16), code: 'offline' })
    latest().say({ type: 'sent', id: '01'.repeat(16) })
    latest().say({ type: 'failed', id: '02'.repeat(16), code: 'rate' })
    latest().say({ type: 'failed', id: '04'.repeat(16), code: 'size' })
    latest().say({ type: 'sent', id: 'ff'.repeat(16) })
    expect(await Promise.all(sends)).toEqual(['sent', 'rate', 'offline', 'size'])
    expect(client.state).toBe('registered')
  })

  it('waits for an answer as long as it may take, and is not confused by one that comes later', async () => {
    const { client, latest, runtime } = open()
    latest().register()
    let outcome: string | undefined
    void client.send(frame).then((settled) => {
      outcome = settled
    })
    await runtime.clock.advance(REPLY_TIMEOUT_MS - 1)
    expect(outcome).toBeUndefined()
    await runtime.clock.advance(1)
    expect(outcome).toBe('timeout')
    latest().say({ type: 'sent', id })
    expect(client.state).toBe('registered')
  })

  it('calls what waits lost when the connection ends', async () => {
    const { client, latest } = open()
    latest().register()
    const sending = client.send(frame)
    const looking = client.lookup([bob.peerId])
    latest().end(1006)
    expect(await sending).toBe('lost')
    expect(await looking).toBe('lost')
    expect(await client.send(frame)).toBe('lost')
    expect(await client.lookup([bob.peerId])).toBe('lost')
  })

  it('keeps to the limits that the server announced without asking it', async () => {
    const { client, latest, runtime } = open()
    latest().challenge()
    latest().say({ type: 'registered', limits: limits() })
    const send = (byte: string, box = frame.box) => client.send({ ...frame, id: byte.repeat(16), box })
    expect(await send('01', 'A'.repeat(5464))).toBe('size') // 4,098 bytes
    void send('02')
    expect(await send('02')).toBe('rate') // that id is under way
    void send('03')
    expect(await send('04')).toBe('rate')
    expect(latest().frames).toHaveLength(3)
    await runtime.clock.advance(1_000)
    void send('05', 'A'.repeat(5460)) // 4,095 bytes
    expect(latest().frames).toHaveLength(4)
    for (let count = 0; count < 2; count++) void client.lookup([])
    expect(await client.lookup([])).toBe('rate')
    expect(latest().frames).toHaveLength(6)
  })

  it('drops signals beyond what it takes from one server', () => {
    const { latest, signals } = open()
    latest().register()
    for (let count = 0; count <= SIGNALS_IN_RATE.burst; count++) {
      latest().say({ type: 'signal', id: count.toString(16).padStart(32, '0'), box: 'AAAA' })
    }
    expect(signals).toHaveLength(SIGNALS_IN_RATE.burst)
  })

  it('asks a quiet server whether it is there, and leaves it when it does not answer', async () => {
    const { client, connections, latest, runtime } = open()
    latest().register()
    await runtime.clock.advance(KEEPALIVE_MS)
    const [, question] = latest().frames
    if (question?.type !== 'lookup') throw new Error('it did not ask')
    expect(question.keys).toEqual([])
    latest().say({ type: 'online', id: question.id, keys: [] })
    await runtime.clock.advance(KEEPALIVE_MS + REPLY_TIMEOUT_MS - 1)
    expect(client.state).toBe('registered')
    await runtime.clock.advance(1)
    expect(client).toMatchObject({ state: 'waiting', error: { code: 'ERR_SIGNAL_LOST' } })
    expect(connections[0]?.isCut).toBe(true)
  })

  it('does not ask a server that speaks anyway', async () => {
    const { latest, runtime } = open()
    latest().register()
    for (let round = 0; round < 5; round++) {
      await runtime.clock.advance(KEEPALIVE_MS - 1_000)
      latest().say({ type: 'sent', id })
      await runtime.clock.advance(1_000)
    }
    expect(latest().frames).toHaveLength(1)
  })
})
