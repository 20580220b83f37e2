import { describe, expect, it } from '@jest/globals'
import type { Channel } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle, type TestRuntime } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { decodeFrame, encodeFrame, type Frame } from '../src/frame.ts'
import { CLOSE_CODES, createSession, readHello, type Session, type SessionLimits } from '../src/index.ts'
import {
  ACK_DELAY_MS,
  CLOSE_TIMEOUT_MS,
  FRAME_BYTES_MAX,
  FRAME_COST_BYTES,
  PINGS_OUTSTANDING_MAX,
  PONGS_WAITING_MAX,
  UNHEARD_BYTES_MAX,
} from '../src/limits.ts'
import { DIRECT } from './pair.ts'
import { countOf, World } from './world.ts'

const SEED = Number(process.env.SEED ?? Date.now() % 0x7fff_ffff)
const TAG = new Uint8Array(16).fill(0x66)
const LIMITS = { windowBytes: 10_000, windowBytesMax: 20_000, unheardBytesMax: 5_000 }

interface Attack {
  readonly bob: Session
  readonly runtime: TestRuntime
  readonly received: Uint8Array[]
  /** A path that mallory dialled, after bob's HELLO. */
  path(): Promise<{ channel: Channel; said: Frame[]; send(...frames: readonly (Frame | Uint8Array)[]): Promise<void> }>
}

function createAttack(limits: Partial<SessionLimits> = LIMITS): Attack {
  const runtime = createTestRuntime()
  const bob = createSession({ runtime, limits })
  const received: Uint8Array[] = []
  bob.onMessage = (message) => received.push(message)
  return {
    bob,
    runtime,
    received,
    async path() {
      const [channel, far] = createChannelPair()
      const said: Frame[] = []
      channel.onMessage = (message) => said.push(decodeFrame(message))
      channel.send(encodeFrame({ type: 'hello', tag: TAG, peerTag: undefined, received: 0 }))
      const hello = await readHello({ channel: far, runtime })
      bob.acceptPath({ channel: far, facts: DIRECT, hello })
      return {
        channel,
        said,
        async send(...frames) {
          for (const frame of frames) channel.send(frame instanceof Uint8Array ? frame : encodeFrame(frame))
          await settle()
        },
      }
    },
  }
}

const data = (seq: number, byteCount = 10, ack = 0): Frame => ({ type: 'data', seq, ack, bytes: new Uint8Array(byteCount) })

describe('a peer that breaks the protocol', () => {
  it.each<[string, number, (Frame | Uint8Array)[]]>([
    ['sends a number from the end of the world', CLOSE_CODES.windowExceeded, [data(Number.MAX_SAFE_INTEGER)]],
    ['sends 2^53 as a number', CLOSE_CODES.frameMalformed, [Uint8Array.of(1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0)]],
    ['acknowledges what was never sent', CLOSE_CODES.ackInvalid, [{ type: 'ack', ack: 1 }]],
    ['acknowledges it inside DATA', CLOSE_CODES.ackInvalid, [data(0, 10, 1)]],
    ['stuffs what waits for its order', CLOSE_CODES.windowExceeded, [data(1, 15_000), data(2, 5_000)]],
    [
      'stuffs it with nothing, over and over',
      CLOSE_CODES.windowExceeded,
      Array.from({ length: 400 }, (_, index) => data(index + 1, 0)),
    ],
    ['says HELLO twice', CLOSE_CODES.helloInvalid, [{ type: 'hello', tag: TAG, peerTag: undefined, received: 0 }]],
    ['sends behind its CLOSE', CLOSE_CODES.afterClose, [{ type: 'close', seq: 1, code: 0 }, data(2)]],
    ['closes before what it sent', CLOSE_CODES.afterClose, [data(5), { type: 'close', seq: 4, code: 0 }]],
    [
      'closes twice',
      CLOSE_CODES.afterClose,
      [
        { type: 'close', seq: 5, code: 0 },
        { type: 'close', seq: 6, code: 0 },
      ],
    ],
    ['sends an unknown frame', CLOSE_CODES.frameMalformed, [Uint8Array.of(42)]],
    ['sends an empty frame', CLOSE_CODES.frameMalformed, [new Uint8Array(0)]],
    ['sends a frame that is too long', CLOSE_CODES.frameMalformed, [new Uint8Array(FRAME_BYTES_MAX + 1).fill(1)]],
  ])('loses its session when it %s', async (_, code, frames) => {
    const { bob, runtime, path } = createAttack()
    const mallory = await path()
    await mallory.send(...frames)
    expect(await bob.closed).toMatchObject({ by: 'us', code, error: { code: 'ERR_SESSION_PROTOCOL' } })
    expect(await mallory.channel.closed).toMatchObject({ by: 'peer', code })
    expect(mallory.said.at(-1)).toEqual({ type: 'abort', code })
    expect(runtime.clock.pending).toBe(0)
    expect(runtime.lines).toHaveLength(1)
  })

  it('loses it on every path', async () => {
    const { bob, path } = createAttack()
    const paths = [await path(), await path()]
    await paths[0]?.send(Uint8Array.of(42))
    for (const { channel, said } of paths) {
      expect(await channel.closed).toMatchObject({ by: 'peer', code: CLOSE_CODES.frameMalformed })
      expect(said.at(-1)).toEqual({ type: 'abort', code: CLOSE_CODES.frameMalformed })
    }
    expect(bob.paths).toEqual([])
  })

  it('loses it when its HELLO acknowledges what was never sent', async () => {
    const { bob, runtime } = createAttack()
    const [, far] = createChannelPair()
    const hello = { tag: TAG, peerTag: undefined, received: 1 }
    expect(() => bob.acceptPath({ channel: far, facts: DIRECT, hello })).toThrow(
      expect.objectContaining({ code: 'ERR_PATH_REFUSED' }),
    )
    expect(await bob.closed).toMatchObject({ code: CLOSE_CODES.ackInvalid })
    expect(runtime.clock.pending).toBe(0)
  })

  it('loses it when it answers a HELLO for another', async () => {
    const { bob, runtime } = createAttack()
    for (const peerTag of [undefined, new Uint8Array(16).fill(9)]) {
      const session = createSession({ runtime })
      const [channel, far] = createChannelPair()
      const added = session.addPath({ channel, facts: DIRECT })
      far.send(encodeFrame({ type: 'hello', tag: TAG, peerTag, received: 0 }))
      await expect(added).rejects.toMatchObject({ code: 'ERR_SESSION_PROTOCOL' })
      expect(await far.closed).toMatchObject({ code: CLOSE_CODES.helloInvalid })
      expect(session.state).toBe('ended')
    }
    expect(bob.state).toBe('connecting')
  })
})

describe('a peer that does what it may, and too much of it', () => {
  it('fills what waits for its order to the last byte, and no further', async () => {
    const { bob, received, path } = createAttack()
    const mallory = await path()
    await mallory.send(data(1, 10_000 - FRAME_COST_BYTES), data(2, 10_000 - FRAME_COST_BYTES))
    expect(bob.state).toBe('connected')
    await mallory.send(data(0))
    expect(received.map((message) => message.byteLength)).toEqual([10, 10_000 - FRAME_COST_BYTES, 10_000 - FRAME_COST_BYTES])
  })

  it('is not heard before what comes first, and closes only then', async () => {
    const { bob, received, path } = createAttack()
    const mallory = await path()
    await mallory.send({ type: 'close', seq: 2, code: 9 }, data(1))
    expect(received).toEqual([])
    await mallory.send(data(0))
    expect(received).toHaveLength(2)
    expect(await bob.closed).toEqual({ by: 'peer', code: 9 })
  })

  it('floods with PINGs where there is no room, and is answered only the last few', async () => {
    const world = new World()
    const { link, frames } = await world.dial({ bytesPerMs: 100 })
    await world.pass(1000)
    for (let index = 0; index < 6; index++) world.bob.send(new Uint8Array(16_000))
    const before = countOf('pong', frames.bob)
    for (let id = 0; id < 1000; id++) link.ends[0].send(encodeFrame({ type: 'ping', id }))
    await world.pass(200)
    expect(countOf('pong', frames.bob)).toBe(before)
    await world.pass(2000)
    const floods = frames.bob.flatMap((frame) => (frame.type === 'pong' && frame.id < 1000 ? [frame.id] : []))
    expect(floods.at(-1)).toBe(999)
    expect(floods.length).toBeLessThanOrEqual(PONGS_WAITING_MAX)
    expect(floods.length).toBeGreaterThanOrEqual(PONGS_WAITING_MAX - 1) // alice's own PING takes a place
    expect(world.bob.state).toBe('connected')
  })

  it('hears how far we are on the way its DATA took, too, and again when it asks again', async () => {
    const { bob, runtime, path } = createAttack()
    const [first, second] = [await path(), await path()]
    const acks = ({ said }: typeof first) => said.filter(({ type }) => type === 'ack').length
    await second.send(data(0))
    await runtime.clock.advance(ACK_DELAY_MS)
    expect([acks(first), acks(second)]).toEqual([1, 1])
    await second.send(data(0))
    bob.send(Uint8Array.of(1)) // carries it, by the first
    await runtime.clock.advance(ACK_DELAY_MS)
    expect(acks(second)).toBe(2)
  })

  it('makes no path quicker by PONGs that nobody asked for', async () => {
    const { bob, path } = createAttack()
    const mallory = await path()
    await mallory.send(...Array.from({ length: 1000 }, (_, id): Frame => ({ type: 'pong', id })))
    expect(bob.paths[0]?.rttMs).toBeUndefined()
  })

  it('never answers, and makes us remember a bounded number of PINGs', async () => {
    const { bob, runtime, path } = createAttack()
    bob.setInUse(true)
    const mallory = await path()
    for (let index = 0; index < 70; index++) {
      await runtime.clock.advance(100)
      await mallory.send({ type: 'ping', id: index }) // it is alive, only deaf
    }
    const pings = mallory.said.filter(({ type }) => type === 'ping')
    expect(pings.length).toBeLessThanOrEqual(PINGS_OUTSTANDING_MAX)
    expect(bob.paths[0]?.isSuspected).toBe(true)
  })

  it('lives and never acknowledges an end, and hears after 5 s that it was no ordinary one', async () => {
    const { bob, runtime, path } = createAttack()
    const mallory = await path()
    bob.close()
    let answered = 0
    for (let waitedMs = 0; waitedMs < CLOSE_TIMEOUT_MS; waitedMs += 100) {
      const pings = mallory.said.flatMap((frame): Frame[] => (frame.type === 'ping' ? [{ type: 'pong', id: frame.id }] : []))
      await mallory.send(...pings.slice(answered))
      answered = pings.length
      expect(bob.state).toBe('connected')
      await runtime.clock.advance(100)
    }
    expect(await bob.closed).toMatchObject({ by: 'us', code: 0, error: { code: 'ERR_PATH_LOST' } })
    expect(mallory.said.at(-1)).toEqual({ type: 'abort', code: CLOSE_CODES.aborted })
  })

  it('closes while we do, and goes without a word more, which ends us in order', async () => {
    const { bob, path } = createAttack()
    const mallory = await path()
    bob.close({ by: 'us', code: 3 })
    await mallory.send({ type: 'close', seq: 0, code: 4 })
    expect(bob.state).toBe('connected')
    mallory.channel.close()
    expect(await bob.closed).toEqual({ by: 'us', code: 3 })
  })

  it('is kept up to a bound while nobody listens', async () => {
    const parts = 4096
    for (const [byteCount, state] of [
      [UNHEARD_BYTES_MAX / parts, 'connected'],
      [UNHEARD_BYTES_MAX / parts + 1, 'ended'],
    ] as const) {
      const runtime = createTestRuntime()
      const bob = createSession({ runtime })
      const [channel, far] = createChannelPair()
      channel.send(encodeFrame({ type: 'hello', tag: TAG, peerTag: undefined, received: 0 }))
      bob.acceptPath({ channel: far, facts: DIRECT, hello: await readHello({ channel: far, runtime }) })
      for (let seq = 0; seq < parts; seq++)
        channel.send(encodeFrame(data(seq, seq === 0 ? byteCount : UNHEARD_BYTES_MAX / parts)))
      await settle()
      expect(bob.state).toBe(state)
      if (state === 'ended') expect(await bob.closed).toMatchObject({ code: CLOSE_CODES.unheard, error: { code: 'ERR_UNHEARD' } })
    }
  })

  it('dials more paths than a session keeps, and loses only those', async () => {
    const { bob, path } = createAttack({ ...LIMITS, pathsMax: 2 })
    await path()
    await path()
    const [channel, far] = createChannelPair()
    const hello = { tag: TAG, peerTag: undefined, received: 0 }
    expect(() => bob.acceptPath({ channel: far, facts: DIRECT, hello })).toThrow(
      expect.objectContaining({ code: 'ERR_PATH_REFUSED' }),
    )
    expect(await channel.closed).toMatchObject({ code: CLOSE_CODES.tooManyPaths })
    expect(bob.paths).toHaveLength(2)
  })

  it('drains, again and again, and is told of once', async () => {
    const { bob, path } = createAttack()
    let drained = 0
    bob.onPath = ({ kind }) => {
      if (kind === 'drained') drained++
    }
    const mallory = await path()
    await mallory.send({ type: 'drain' }, { type: 'drain' }, { type: 'drain' })
    expect(drained).toBe(1)
    bob.send(Uint8Array.of(1)) // it is the only path there is
    await settle()
    expect(mallory.said.at(-1)?.type).toBe('data')
  })
})

it(`whatever mallory says, bob ends with a code of the list or goes on, and stays within his bounds (seed ${SEED})`, async () => {
  const small = fc.nat({ max: 6 })
  const frame: fc.Arbitrary<Uint8Array> = fc.oneof(
    fc.tuple(small, small, fc.nat({ max: 3000 })).map(([seq, ack, byteCount]) => encodeFrame(data(seq, byteCount, ack))),
    small.map((ack) => encodeFrame({ type: 'ack', ack })),
    small.map((id) => encodeFrame({ type: 'ping', id })),
    small.map((id) => encodeFrame({ type: 'pong', id })),
    fc.constant(encodeFrame({ type: 'drain' })),
    fc.tuple(small, small).map(([seq, code]) => encodeFrame({ type: 'close', seq, code })),
    fc.uint8Array({ maxLength: 20 }),
  )
  const known = new Set<number>(Object.values(CLOSE_CODES))
  let ended = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), frame), { maxLength: 25 }), async (frames) => {
      const { bob, runtime, received, path } = createAttack()
      const paths = [await path(), await path()] as const
      bob.send(Uint8Array.of(1))
      for (const [isFirst, bytes] of frames) paths[isFirst ? 0 : 1].channel.send(bytes)
      for (let round = 0; round < 8; round++) await Promise.resolve()
      if (bob.state === 'ended') {
        ended++
        const end = await bob.closed
        expect(end.by === 'peer' || known.has(end.code)).toBe(true)
        expect(runtime.clock.pending).toBe(0)
      }
      expect(received.length).toBeLessThanOrEqual(7)
      bob.abort(Object.assign(new Error('over'), { code: 'ERR_TEST_OVER', retryable: false }) as never)
      expect(runtime.clock.pending).toBe(0)
    }),
    { numRuns: 1000, seed: SEED },
  )
  expect(ended).toBeGreaterThan(100)
})
