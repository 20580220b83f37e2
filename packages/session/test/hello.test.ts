import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { encodeFrame } from '../src/frame.ts'
import { CLOSE_CODES, createSession, judgeHello, readHello, refusePath } from '../src/index.ts'
import { FRAME_BYTES_MAX, HELLO_HELD_BYTES_MAX, HELLO_TIMEOUT_MS } from '../src/limits.ts'
import { createSessionPair, DIRECT } from './pair.ts'

const [A, B, C] = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte)) as [Uint8Array, Uint8Array, Uint8Array]
const HELLO = encodeFrame({ type: 'hello', tag: A, peerTag: undefined, received: 0 })

describe('the verdict on a HELLO', () => {
  it.each([
    { ours: { tag: B, peerTag: undefined }, hello: { tag: A, peerTag: undefined }, verdict: 'fits' },
    { ours: { tag: B, peerTag: A }, hello: { tag: A, peerTag: undefined }, verdict: 'fits' },
    { ours: { tag: B, peerTag: A }, hello: { tag: A, peerTag: B }, verdict: 'fits' },
    { ours: { tag: B, peerTag: undefined }, hello: { tag: A, peerTag: B }, verdict: 'fits' },
    { ours: { tag: B, peerTag: A }, hello: { tag: C, peerTag: undefined }, verdict: 'restarted' },
    { ours: { tag: B, peerTag: A }, hello: { tag: C, peerTag: B }, verdict: 'restarted' },
    { ours: { tag: B, peerTag: undefined }, hello: { tag: A, peerTag: C }, verdict: 'stale' },
    { ours: { tag: B, peerTag: A }, hello: { tag: A, peerTag: C }, verdict: 'stale' },
  ] as const)('is $verdict for tags $hello at $ours', ({ ours, hello, verdict }) => {
    expect(judgeHello(ours, hello)).toBe(verdict)
  })
})

describe('reading a HELLO', () => {
  const read = () => {
    const runtime = createTestRuntime()
    const [mallory, channel] = createChannelPair()
    const outcome = readHello({ channel, runtime }).then(
      (hello) => ({ hello }),
      (error) => ({ error }),
    )
    return { runtime, mallory, channel, outcome }
  }

  it('waits for it 10 s and no longer', async () => {
    const { runtime, mallory, outcome } = read()
    await runtime.clock.advance(HELLO_TIMEOUT_MS)
    expect(await outcome).toMatchObject({ error: { code: 'ERR_HELLO_TIMEOUT', retryable: true } })
    expect(await mallory.closed).toMatchObject({ by: 'peer', code: CLOSE_CODES.helloTimeout })
    const inTime = read()
    await inTime.runtime.clock.advance(HELLO_TIMEOUT_MS - 1)
    inTime.mallory.send(HELLO)
    expect(await inTime.outcome).toMatchObject({ hello: { tag: A, received: 0 } })
    expect(inTime.runtime.clock.pending).toBe(0)
  })

  it.each([
    ['DATA', encodeFrame({ type: 'data', seq: 0, ack: 0, bytes: A }), CLOSE_CODES.helloInvalid],
    ['nonsense', Uint8Array.of(99), CLOSE_CODES.frameMalformed],
  ])('refuses a path that begins with %s', async (_, bytes, code) => {
    const { mallory, outcome } = read()
    mallory.send(bytes)
    expect(await outcome).toMatchObject({ error: { code: 'ERR_SESSION_PROTOCOL' } })
    expect(await mallory.closed).toMatchObject({ by: 'peer', code })
  })

  it('says that the path ended', async () => {
    const { mallory, outcome } = read()
    mallory.close()
    expect(await outcome).toMatchObject({ error: { code: 'ERR_PATH_LOST' } })
  })

  it('ends when its own signal says so, before and after', async () => {
    for (const isEarly of [true, false]) {
      const [mallory, channel] = createChannelPair()
      const abort = new AbortController()
      if (isEarly) abort.abort('never mind')
      const outcome = readHello({ channel, runtime: createTestRuntime(), signal: abort.signal })
      abort.abort('never mind')
      await expect(outcome).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'never mind' })
      expect((await mallory.closed).error).toBeDefined()
    }
  })

  it('holds what follows for the session, up to a bound', async () => {
    const held = HELLO_HELD_BYTES_MAX / 1024
    for (const [count, isHeld] of [
      [held, true],
      [held + 1, false],
    ] as const) {
      const { mallory, outcome } = read()
      mallory.send(HELLO)
      await outcome
      const ping = new Uint8Array(1024) // whatever it is, nothing looks at it yet
      for (let index = 0; index < count; index++) mallory.send(ping)
      const end = await Promise.race([mallory.closed, settle()])
      expect(end?.code).toBe(isHeld ? undefined : CLOSE_CODES.unheard)
    }
    const { mallory, outcome } = read()
    mallory.send(HELLO)
    await outcome
    mallory.send(new Uint8Array(FRAME_BYTES_MAX + 1))
    expect(await mallory.closed).toMatchObject({ code: CLOSE_CODES.unheard })
  })

  it('loses nothing that came in the same turn as the HELLO', async () => {
    const runtime = createTestRuntime()
    const [mallory, channel] = createChannelPair()
    const hello = readHello({ channel, runtime })
    mallory.send(HELLO)
    mallory.send(encodeFrame({ type: 'data', seq: 0, ack: 0, bytes: A }))
    mallory.send(encodeFrame({ type: 'data', seq: 1, ack: 0, bytes: B }))
    const bob = createSession({ runtime })
    const received: Uint8Array[] = []
    bob.onMessage = (message) => received.push(message)
    bob.acceptPath({ channel, facts: DIRECT, hello: await hello })
    mallory.send(encodeFrame({ type: 'data', seq: 2, ack: 0, bytes: C }))
    await settle()
    expect(received).toEqual([A, B, C])
    bob.giveUp(new SwarmError('The test is over.', { code: 'ERR_TEST_OVER' }))
  })
})

describe('a path that does not fit', () => {
  it('is refused with a code, and a brand-new session only loses that path', async () => {
    const { alice } = createSessionPair({ runtime: createTestRuntime() })
    const [channel, other] = createChannelPair()
    const added = alice.addPath({ channel, facts: DIRECT })
    refusePath(other, CLOSE_CODES.unknownSession)
    await expect(added).rejects.toMatchObject({ code: 'ERR_PATH_REFUSED' })
    expect(alice.state).toBe('connecting')
  })

  it('tells an established session that the peer was restarted', async () => {
    const runtime = createTestRuntime()
    const pair = createSessionPair({ runtime })
    await pair.dial()
    const [channel, other] = createChannelPair()
    const added = pair.alice.addPath({ channel, facts: DIRECT })
    refusePath(other, CLOSE_CODES.unknownSession)
    await expect(added).rejects.toMatchObject({ code: 'ERR_SESSION_UNKNOWN' })
    expect(await pair.alice.closed).toMatchObject({ by: 'peer', error: { code: 'ERR_SESSION_UNKNOWN', retryable: true } })
    await settle()
    expect(pair.alice.state).toBe('ended')
  })

  it('whose answer comes from a new session ends the old one', async () => {
    const runtime = createTestRuntime()
    const pair = createSessionPair({ runtime })
    await pair.dial()
    const [channel, other] = createChannelPair()
    const added = pair.alice.addPath({ channel, facts: DIRECT })
    await readHello({ channel: other, runtime })
    other.send(encodeFrame({ type: 'hello', tag: C, peerTag: pair.alice.tag, received: 0 }))
    await expect(added).rejects.toMatchObject({ code: 'ERR_SESSION_UNKNOWN' })
    expect(await other.closed).toMatchObject({ code: CLOSE_CODES.unknownSession })
    expect(pair.alice.state).toBe('ended')
  })

  it('is a mistake of the caller who hands it in all the same', async () => {
    const { bob, dial } = createSessionPair({ runtime: createTestRuntime() })
    await dial()
    const [channel] = createChannelPair()
    expect(() => bob.acceptPath({ channel, facts: DIRECT, hello: { tag: C, peerTag: undefined, received: 0 } })).toThrow(
      RangeError,
    )
  })
})
