import { describe, expect, it } from '@jest/globals'
import { decodeBase64Url, encodeBase64Url } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import {
  CLOSE_CODES,
  type CloseCodeName,
  parseServerFrame,
  type ServerFrame,
  signLogin,
} from '@resilient-swarm/signal-exchange/protocol'
import { createTestRuntime } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { createDirectory } from '../src/directory.ts'
import { DEFAULT_LIMITS, type SignalServerLimits } from '../src/limits.ts'
import { createSession, type Session } from '../src/session.ts'

const ORIGIN = 'ws://signals.example/'
const alice = createKeyPair({ seed: new Uint8Array(32).fill(1) })
const bob = createKeyPair({ seed: new Uint8Array(32).fill(2) })
const idOf = (number: number) => number.toString(16).padStart(32, '0')
const box = 'A'.repeat(1536)

/** One server without sockets. */
function createFloor(changed: Partial<SignalServerLimits> = {}) {
  const runtime = createTestRuntime({ seed: 11 })
  const limits = { ...DEFAULT_LIMITS, ...changed }
  const directory = createDirectory<Session>()
  const events: string[] = []
  const connect = () => {
    const heard: ServerFrame[] = []
    const unwritten: (() => void)[] = []
    const client = {
      heard,
      unwritten,
      closed: undefined as CloseCodeName | undefined,
      reads: true,
      session: undefined as unknown as Session,
    }
    client.session = createSession({
      port: {
        send: (text, written) => {
          const frame = parseServerFrame(text)
          if (!frame) throw new Error(`the server sent what is no frame: ${text}`)
          heard.push(frame)
          if (client.reads) written()
          else unwritten.push(written)
        },
        close: (code) => {
          client.closed = Object.entries(CLOSE_CODES).find(([, number]) => number === code)?.[0] as CloseCodeName
        },
      },
      directory,
      limits,
      runtime,
      isOwnOrigin: (origin) => origin === ORIGIN,
      onEvent: (event) => events.push(event.kind),
    })
    const say = (frame: unknown) => client.session.receive(JSON.stringify(frame))
    const login = (
      keyPair: KeyPair,
      wrong: { origin?: string; signedOrigin?: string; time?: number; nonce?: Uint8Array; key?: KeyPair } = {},
    ) => {
      const [challenge] = heard
      if (challenge?.type !== 'challenge') throw new Error('no challenge')
      const nonce = wrong.nonce ?? (decodeBase64Url(challenge.nonce) as Uint8Array)
      const [origin, time] = [wrong.origin ?? ORIGIN, wrong.time ?? challenge.time]
      const signature = signLogin(keyPair, { origin: wrong.signedOrigin ?? origin, nonce, timeMs: time })
      const { peerId } = wrong.key ?? keyPair
      say({ type: 'register', key: peerId, origin, time, signature: encodeBase64Url(signature) })
    }
    return Object.assign(client, { say, login, last: () => heard[heard.length - 1] })
  }
  const online = (keyPair: KeyPair) => {
    const client = connect()
    client.login(keyPair)
    return client
  }
  return { runtime, directory, events, connect, online }
}

describe('the login', () => {
  it('is challenged with a fresh nonce and the time, and confirmed with the limits', () => {
    const { connect, directory, runtime } = createFloor()
    const [one, other] = [connect(), connect()]
    expect(one.last()).toMatchObject({ type: 'challenge', time: runtime.clock.now() })
    expect(one.last()).not.toEqual(other.last())
    one.login(alice)
    expect(one.last()).toEqual({
      type: 'registered',
      limits: { boxBytes: 8320, sends: { perSecond: 10, burst: 40 }, lookups: { perSecond: 5, burst: 50 } },
    })
    expect(directory.get(alice.peerId)).toBe(one.session)
  })

  it('ends the connection when it is for another server, of another time, over another nonce or by another key', () => {
    const { connect, directory, runtime } = createFloor()
    const now = runtime.clock.now()
    for (const [wrong, why] of [
      [{ origin: 'ws://mallory.example/' }, 'loginOrigin'],
      [{ signedOrigin: 'ws://mallory.example/' }, 'loginSignature'],
      [{ time: now + 60_001 }, 'loginTime'],
      [{ time: now - 60_001 }, 'loginTime'],
      [{ nonce: new Uint8Array(32) }, 'loginSignature'],
      [{ key: bob }, 'loginSignature'],
    ] as const) {
      const mallory = connect()
      mallory.login(alice, wrong)
      expect([wrong, mallory.closed]).toEqual([wrong, why])
      mallory.login(alice)
      expect(mallory.heard).toHaveLength(1)
    }
    for (const time of [now + 60_000, now - 60_000]) {
      const honest = connect()
      honest.login(alice, { time })
      expect(honest.last()?.type).toBe('registered')
    }
    expect(directory.size).toBe(1)
  })

  it('must come within its time', async () => {
    const { connect, online, runtime } = createFloor()
    const [late, inTime] = [connect(), connect()]
    await runtime.clock.advance(DEFAULT_LIMITS.loginTimeoutMs - 1)
    inTime.login(alice)
    await runtime.clock.advance(1)
    expect([late.closed, inTime.closed]).toEqual(['loginTimeout', undefined])
    expect(runtime.clock.pending).toBe(0)
    online(bob).session.end()
    expect(runtime.clock.pending).toBe(0)
  })

  it('is taken once, and before anything else', () => {
    const { connect, online } = createFloor()
    const twice = online(alice)
    twice.login(alice)
    expect(twice.closed).toBe('frameUnexpected')
    for (const frame of [
      { type: 'lookup', id: idOf(1), keys: [] },
      { type: 'send', to: alice.peerId, id: idOf(1), box },
    ]) {
      const early = connect()
      early.say(frame)
      expect(early.closed).toBe('frameUnexpected')
    }
  })

  it('by a newer connection displaces the older, whose end then takes nothing from the newer', () => {
    const { directory, events, online } = createFloor()
    const [older, newer] = [online(alice), online(alice)]
    expect([older.closed, newer.closed]).toEqual(['displaced', undefined])
    older.session.end()
    expect(directory.get(alice.peerId)).toBe(newer.session)
    newer.session.end()
    newer.session.end()
    expect(directory.size).toBe(0)
    expect(events.filter((kind) => kind === 'left')).toHaveLength(2)
  })
})

describe('a signal', () => {
  it('goes to its receiver only, as it is', () => {
    const { online } = createFloor()
    const [from, to] = [online(alice), online(bob)]
    const carol = online(createKeyPair())
    from.say({ type: 'send', to: bob.peerId, id: idOf(1), box })
    expect(from.last()).toEqual({ type: 'sent', id: idOf(1) })
    expect(to.last()).toEqual({ type: 'signal', id: idOf(1), box })
    expect(carol.heard).toHaveLength(2)
    from.say({ type: 'send', to: alice.peerId, id: idOf(2), box })
    expect(from.heard.slice(-2).map(({ type }) => type)).toEqual(['signal', 'sent'])
  })

  it('fails for somebody who is not there, and for a text that is nobody', () => {
    const { online } = createFloor()
    const from = online(alice)
    for (const to of [bob.peerId, `rs1${'a'.repeat(58)}`]) {
      from.say({ type: 'send', to, id: idOf(1), box })
      expect(from.last()).toEqual({ type: 'failed', id: idOf(1), code: 'offline' })
    }
  })

  it('is as large as the largest box and not a byte larger', () => {
    const { online } = createFloor()
    const [from, to] = [online(alice), online(bob)]
    from.say({ type: 'send', to: bob.peerId, id: idOf(1), box: encodeBase64Url(new Uint8Array(8320)) })
    from.say({ type: 'send', to: bob.peerId, id: idOf(2), box: encodeBase64Url(new Uint8Array(8321)) })
    expect(from.heard.slice(-2)).toEqual([
      { type: 'sent', id: idOf(1) },
      { type: 'failed', id: idOf(2), code: 'size' },
    ])
    expect(to.heard).toHaveLength(3)
  })

  it('is one of 40 at once and 10 a second', async () => {
    const { online, runtime } = createFloor()
    const [from, to] = [online(alice), online(bob)]
    const send = (count: number) => {
      for (let number = 0; number < count; number++) from.say({ type: 'send', to: bob.peerId, id: idOf(number), box })
    }
    const arrived = () => to.heard.length - 2
    send(41)
    expect(arrived()).toBe(40)
    expect(from.last()).toEqual({ type: 'failed', id: idOf(40), code: 'rate' })
    await runtime.clock.advance(999)
    send(11)
    expect(arrived()).toBe(49)
    await runtime.clock.advance(1)
    send(2)
    expect(arrived()).toBe(50)
  })

  it('waits for a slow receiver with 31 others, then its sender is told, and the receiver is kept', () => {
    const { online } = createFloor()
    const [from, to] = [online(alice), online(bob)]
    to.reads = false
    for (let number = 0; number < 33; number++) from.say({ type: 'send', to: bob.peerId, id: idOf(number), box })
    expect(to.unwritten).toHaveLength(32)
    expect(from.last()).toEqual({ type: 'failed', id: idOf(32), code: 'rate' })
    expect(to.closed).toBeUndefined()
    to.unwritten.shift()?.()
    from.say({ type: 'send', to: bob.peerId, id: idOf(34), box })
    expect(from.last()).toEqual({ type: 'sent', id: idOf(34) })
  })
})

describe('a lookup', () => {
  it('names those who are online, 50 times at once and 5 a second', async () => {
    const { online, runtime } = createFloor()
    const from = online(alice)
    online(bob)
    const ask = () => from.say({ type: 'lookup', id: idOf(1), keys: [bob.peerId, `rs1${'a'.repeat(58)}`, alice.peerId] })
    for (let count = 0; count < 50; count++) ask()
    expect(from.last()).toEqual({ type: 'online', id: idOf(1), keys: [bob.peerId, alice.peerId] })
    ask()
    expect(from.last()).toEqual({ type: 'failed', id: idOf(1), code: 'rate' })
    await runtime.clock.advance(200)
    ask()
    expect(from.last()?.type).toBe('online')
  })
})

describe('a client that breaks the rules', () => {
  it('is closed with the number for what is no frame', () => {
    const { connect, online } = createFloor()
    for (const text of [
      '',
      'hello',
      '{}',
      '[]',
      '{"type":"constructor"}',
      `{"type":"sent","id":"${idOf(1)}"}`,
      'x'.repeat(16_385),
    ]) {
      for (const client of [connect(), online(alice)]) {
        client.session.receive(text)
        expect(client.closed).toBe('frameInvalid')
        client.session.end()
      }
    }
    const client = online(alice)
    client.session.refuseBinary()
    expect(client.closed).toBe('frameInvalid')
  })

  it('is closed when it asks and does not read', () => {
    const { online } = createFloor()
    const client = online(alice)
    client.reads = false
    for (let count = 0; count < 32; count++) client.say({ type: 'lookup', id: idOf(1), keys: [] })
    expect(client.closed).toBeUndefined()
    client.say({ type: 'lookup', id: idOf(1), keys: [] })
    expect(client.closed).toBe('tooSlow')
    expect(client.unwritten).toHaveLength(32)
  })

  it('is closed when it goes on far beyond the limits', async () => {
    const { online, runtime } = createFloor()
    const client = online(alice)
    const ask = () => client.say({ type: 'lookup', id: idOf(1), keys: [] })
    for (let count = 0; count < 199; count++) ask() // and the login
    expect(client.closed).toBeUndefined()
    await runtime.clock.advance(20)
    ask()
    expect(client.closed).toBeUndefined()
    ask()
    expect(client.closed).toBe('tooMany')
  })

  it('makes nothing throw, whatever it says in whatever order, and waits for nobody in the end', () => {
    const seed = Date.now()
    const frame = fc.oneof(
      fc.constantFrom<unknown>(
        { type: 'send', to: bob.peerId, id: idOf(1), box },
        { type: 'send', to: alice.peerId, id: idOf(1), box: 'AAAA' },
        { type: 'lookup', id: idOf(2), keys: [alice.peerId, bob.peerId] },
        { type: 'register', key: bob.peerId, origin: ORIGIN, time: 1_700_000_000_000, signature: 'A'.repeat(86) },
      ),
      fc.jsonValue(),
    )
    const property = fc.property(
      fc.array(fc.oneof(fc.constant('login'), fc.constant('end'), frame), { maxLength: 12 }),
      (steps) => {
        const { connect, directory, online, runtime } = createFloor()
        const [client, other] = [connect(), online(bob)]
        for (const step of steps) {
          if (step === 'login') client.login(alice)
          else if (step === 'end') client.session.end()
          else client.say(step)
        }
        client.session.end()
        other.session.end()
        expect([directory.size, runtime.clock.pending]).toEqual([0, 0])
      },
    )
    fc.assert(property, { numRuns: 1000, seed })
  })

  it('is not heard any more after its end', () => {
    const { directory, online } = createFloor()
    const [from, to] = [online(alice), online(bob)]
    from.session.close('goingAway')
    from.say({ type: 'send', to: bob.peerId, id: idOf(1), box })
    expect(to.heard).toHaveLength(2)
    expect(from.session.deliver({ id: idOf(1), box })).toBe(false)
    expect(directory.get(alice.peerId)).toBeUndefined()
    from.session.close('silent')
    expect(from.closed).toBe('goingAway')
  })
})
