import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { encodeFrame } from '../src/frame.ts'
import { CLOSE_CODE_MAX, CLOSE_CODES, createSession } from '../src/index.ts'
import {
  ACK_AFTER_BYTES,
  ACK_DELAY_MS,
  CLOSE_TIMEOUT_MS,
  FRAME_BYTES_MAX,
  HELLO_TIMEOUT_MS,
  PATHS_MAX,
  parseLimits,
  RETIRE_TIMEOUT_MS,
  WAITING_BYTES_MAX,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
} from '../src/limits.ts'
import { createSessionPair, DIRECT } from './pair.ts'
import { countOf, dataIn, World } from './world.ts'

const ENOUGH = new SwarmError('Enough.', { code: 'ERR_ENOUGH' })

describe('a session', () => {
  it('refuses options and limits that it does not know, or that cannot be', () => {
    const runtime = createTestRuntime()
    expect(() => createSession({ runtime, speed: 9 } as never)).toThrow(TypeError)
    expect(() => createSession({ runtime, limits: { speed: 9 } as never })).toThrow(TypeError)
    for (const windowBytes of [0, -1, 1.5, Number.NaN]) expect(() => parseLimits({ windowBytes })).toThrow(RangeError)
    expect(() => parseLimits({ pathsMax: PATHS_MAX + 1 })).toThrow(RangeError)
    expect(parseLimits({ pathsMax: PATHS_MAX }).pathsMax).toBe(PATHS_MAX)
    expect(() => parseLimits({ windowBytes: 101, windowBytesMax: 100 })).toThrow(RangeError)
    expect(parseLimits({ windowBytes: 100, windowBytesMax: 100 }).windowBytes).toBe(100)
    expect(WINDOW_BYTES).toBeLessThan(WINDOW_BYTES_MAX)
  })

  it('refuses a path whose messages are too short for its frames', async () => {
    const { alice, bob } = createSessionPair({ runtime: createTestRuntime() })
    const [short] = createChannelPair({ maxMessageBytes: FRAME_BYTES_MAX - 1 })
    await expect(alice.addPath({ channel: short, facts: DIRECT })).rejects.toBeInstanceOf(RangeError)
    const hello = { tag: alice.tag, peerTag: undefined, received: 0 }
    expect(() => bob.acceptPath({ channel: short, facts: DIRECT, hello })).toThrow(RangeError)
    const [long, other] = createChannelPair({ maxMessageBytes: FRAME_BYTES_MAX })
    bob.acceptPath({ channel: long, facts: DIRECT, hello })
    bob.abort(ENOUGH)
    expect((await other.closed).code).toBe(CLOSE_CODES.aborted)
  })

  it('melts two paths that were dialled at the same time into one', async () => {
    const { alice, bob, dial } = createSessionPair({ runtime: createTestRuntime() })
    await Promise.all([dial({ by: 'alice' }), dial({ by: 'bob' })])
    expect([alice.peerTag, bob.peerTag]).toEqual([bob.tag, alice.tag])
    expect([alice.paths.length, bob.paths.length]).toEqual([2, 2])
    const received: number[] = []
    bob.onMessage = (message) => received.push(message[0] as number)
    for (const number of [1, 2, 3]) alice.send(Uint8Array.of(number))
    await settle()
    expect(received).toEqual([1, 2, 3])
  })

  it('tells its states in order', async () => {
    const world = new World()
    expect(world.alice.state).toBe('connecting')
    const way = await world.dial()
    way.link.kill([0, 0])
    await world.pass(1)
    await world.dial()
    world.alice.close()
    await world.pass(1000)
    expect(world.states.filter(({ who }) => who === 'alice').map(({ state }) => state)).toEqual([
      'connected',
      'reconnecting',
      'connected',
      'ended',
    ])
    expect(world.states.filter(({ who }) => who === 'bob').map(({ state }) => state)).toEqual([
      'connected',
      'reconnecting',
      'connected',
      'ended',
    ])
  })

  it('ends a dial that is not answered in time, that is cancelled, or whose session ends', async () => {
    const runtime = createTestRuntime()
    const { alice } = createSessionPair({ runtime })
    const [silentEnd, other] = createChannelPair()
    const late = alice.addPath({ channel: silentEnd, facts: DIRECT }).catch((error) => error)
    await runtime.clock.advance(HELLO_TIMEOUT_MS - 1)
    expect(await Promise.race([late, settle()])).toBeUndefined()
    await runtime.clock.advance(1)
    expect(await late).toMatchObject({ code: 'ERR_HELLO_TIMEOUT' })
    expect((await other.closed).code).toBe(CLOSE_CODES.helloTimeout)
    const abort = new AbortController()
    const cancelled = alice.addPath({ channel: createChannelPair()[0], facts: DIRECT, signal: abort.signal })
    abort.abort()
    await expect(cancelled).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const orphaned = alice.addPath({ channel: createChannelPair()[0], facts: DIRECT })
    alice.close()
    await expect(orphaned).rejects.toMatchObject({ code: 'ERR_PATH_REFUSED' })
    await expect(alice.addPath({ channel: createChannelPair()[0], facts: DIRECT })).rejects.toMatchObject({
      code: 'ERR_PATH_REFUSED',
    })
    expect(runtime.clock.pending).toBe(0)
  })

  it('says that a dialled path was lost', async () => {
    const { alice } = createSessionPair({ runtime: createTestRuntime() })
    const [channel, other] = createChannelPair()
    const added = alice.addPath({ channel, facts: DIRECT })
    other.abort(ENOUGH)
    await expect(added).rejects.toMatchObject({ code: 'ERR_PATH_LOST' })
  })

  it('has room for eight paths at once, those that greet included', async () => {
    const runtime = createTestRuntime()
    const { alice } = createSessionPair({ runtime })
    for (let index = 0; index < PATHS_MAX; index++)
      alice.addPath({ channel: createChannelPair()[0], facts: DIRECT }).catch(() => {})
    await expect(alice.addPath({ channel: createChannelPair()[0], facts: DIRECT })).rejects.toMatchObject({
      code: 'ERR_PATH_REFUSED',
    })
    await runtime.clock.advance(HELLO_TIMEOUT_MS)
    const [again] = createChannelPair()
    const added = alice.addPath({ channel: again, facts: DIRECT }).catch((error) => error.code)
    again.abort(ENOUGH)
    expect(await added).toBe('ERR_PATH_LOST')
  })

  it('goes on when a listener throws', async () => {
    const world = new World()
    const { link } = await world.dial()
    const received: number[] = []
    world.bob.onMessage = (message) => {
      received.push(message[0] as number)
      if (received.length === 1) throw new Error('a fault of the application')
    }
    for (const seq of [1, 2, 0]) link.ends[0].send(encodeFrame({ type: 'data', seq, ack: 0, bytes: Uint8Array.of(seq) }))
    await expect(world.pass(15)).rejects.toThrow('a fault of the application')
    await world.pass(0)
    expect(received).toEqual([0, 1, 2])
  })
})

describe('acknowledgements', () => {
  it('wait 20 ms, or for a quarter of a MiB, and ride on DATA', async () => {
    const world = new World()
    const way = await world.dial()
    await world.pass(1000)
    const acks = () => countOf('ack', way.frames.bob)
    world.send()
    await world.pass(10 + ACK_DELAY_MS - 1)
    expect(acks()).toBe(0)
    await world.pass(2)
    expect(acks()).toBe(1)
    for (let bytes = 0; bytes < ACK_AFTER_BYTES; bytes += 16_000) world.send(16_000)
    await world.pass(10 + ACK_DELAY_MS)
    expect(acks()).toBe(2)
    await world.pass(200)
    const before = acks()
    world.send()
    await world.pass(11)
    world.bob.send(new Uint8Array(1))
    await world.pass(100)
    expect(acks()).toBe(before)
    expect(world.alice.keptBytes).toBe(0)
  })
})

describe('an acknowledgement that finds no room', () => {
  it('goes out as soon as there is some', async () => {
    const world = new World()
    const way = await world.dial({ bytesPerMs: 20 })
    await world.pass(1000)
    for (let index = 0; index < 5; index++) world.bob.send(new Uint8Array(16_000)) // 4 s
    world.send()
    await world.pass(3500)
    expect(countOf('ack', way.frames.bob)).toBe(0)
    expect(world.alice.keptBytes).toBeGreaterThan(0)
    await world.pass(1000)
    expect(countOf('ack', way.frames.bob)).toBe(1)
    expect(world.alice.keptBytes).toBe(0)
  })
})

describe('a sender', () => {
  it('that ignores false loses its session at the bound, and not before', async () => {
    const limits = { windowBytes: 1000, windowBytesMax: 1000, waitingBytesMax: 2000 }
    const cost = 3 + 64 // DATA's shortest header, and what keeping a frame counts
    const kept = new World(limits)
    for (let index = 0; index < 3; index++) kept.alice.send(new Uint8Array(1000 - cost))
    expect(kept.alice.keptBytes).toBe(3000)
    expect(kept.alice.state).toBe('connecting')
    expect(kept.alice.send(new Uint8Array(0))).toBe(false)
    expect((await kept.alice.closed).error).toMatchObject({ code: 'ERR_SESSION_OVERFLOW', retryable: false })
  })

  it('that has no path yet is told to wait at the window, and loses its session beyond what may wait, unless told otherwise', async () => {
    const world = new World()
    const cost = 1000
    const [full, bound] = [WINDOW_BYTES / cost, (WINDOW_BYTES + WAITING_BYTES_MAX) / cost]
    let taken = 0
    for (let index = 0; index < Math.floor(bound); index++) if (world.send(cost - 64 - (index < 128 ? 3 : 4))) taken++
    expect(taken).toBe(Math.ceil(full) - 1)
    expect(world.alice.state).toBe('connecting')
    world.send(cost)
    expect((await world.alice.closed).error?.code).toBe('ERR_SESSION_OVERFLOW')
  })

  it('is held back by the window, which grows to what the path carries', async () => {
    const world = new World({ windowBytes: 64 * 1024, windowBytesMax: 4 * 1024 * 1024 })
    await world.dial({ delayMs: 50, bytesPerMs: 20_000 })
    await world.pass(1000)
    const feed = () => {
      while (world.send(16_000));
    }
    world.alice.onDrain = feed
    feed()
    await world.pass(3000)
    const before = world.arrivals.length
    await world.pass(1000)
    const rate = ((world.arrivals.length - before) * 16_000) / 1000
    expect(rate).toBeGreaterThan(0.8 * 20_000)
    world.alice.abort(ENOUGH)
  })
})

describe('close', () => {
  it('sends its end again by another path when the first one dies under it', async () => {
    const world = new World()
    const first = await world.dial({ delayMs: 20 })
    await world.dial({ delayMs: 40, isDirect: false })
    await world.pass(500)
    for (let index = 0; index < 5; index++) world.send()
    world.alice.close({ by: 'us', code: 7 })
    await world.pass(5)
    first.link.kill([0, 0])
    await world.pass(500)
    expect(await world.alice.closed).toEqual({ by: 'us', code: 7 })
    expect(await world.bob.closed).toEqual({ by: 'peer', code: 7 })
    expect(world.isComplete).toBe(true)
    await world.pass(20_000)
    expect([world.nodes.alice.timers, world.nodes.bob.timers]).toEqual([0, 0])
  })

  it('waits 5 s without progress for a peer, and then says that something may be lost', async () => {
    const world = new World()
    const way = await world.dial()
    way.link.ends[1].stall()
    const fromMs = world.time.nowMs
    world.alice.close()
    await world.pass(CLOSE_TIMEOUT_MS - 1)
    expect(world.alice.state).not.toBe('ended')
    await world.pass(1)
    expect(await world.alice.closed).toMatchObject({ by: 'us', code: 0, error: { code: 'ERR_PATH_LOST' } })
    expect(world.states.at(-1)).toEqual({ who: 'alice', atMs: fromMs + CLOSE_TIMEOUT_MS, state: 'ended' })
  })

  it('waits as long as the peer takes what was sent', async () => {
    const world = new World()
    await world.dial({ bytesPerMs: 20 })
    await world.pass(2000)
    for (let index = 0; index < 20; index++) world.send(16_000) // 16 s at that rate
    world.alice.close()
    await world.pass(30_000)
    expect(await world.alice.closed).toEqual({ by: 'us', code: 0 })
    expect(world.isComplete).toBe(true)
  })

  it('of both sides at the same time ends both in order', async () => {
    const world = new World()
    await world.dial()
    for (let index = 0; index < 5; index++) world.send()
    world.alice.close({ by: 'us', code: 1 })
    world.bob.close({ by: 'us', code: 2 })
    await world.pass(500)
    expect(await world.alice.closed).toEqual({ by: 'us', code: 1 })
    expect(await world.bob.closed).toEqual({ by: 'us', code: 2 })
    expect(world.isComplete).toBe(true)
  })

  it('is at once where there never was a path, and refuses a code that cannot be', async () => {
    const { alice } = createSessionPair({ runtime: createTestRuntime() })
    expect(() => alice.close({ by: 'us', code: CLOSE_CODE_MAX + 1 })).toThrow(RangeError)
    expect(() => alice.close({ by: 'us', code: -1 })).toThrow(RangeError)
    alice.close({ by: 'us', code: CLOSE_CODE_MAX })
    expect(await alice.closed).toEqual({ by: 'us', code: CLOSE_CODE_MAX })
  })

  it('resolves for the peer when what came before was heard', async () => {
    const runtime = createTestRuntime()
    const { alice, bob, dial } = createSessionPair({ runtime })
    await dial()
    alice.send(Uint8Array.of(1))
    alice.close()
    expect(await alice.closed).toEqual({ by: 'us', code: 0 })
    expect(await Promise.race([bob.closed, settle()])).toBeUndefined()
    const received: Uint8Array[] = []
    bob.onMessage = (message) => received.push(message)
    expect(await bob.closed).toEqual({ by: 'peer', code: 0 })
    expect(received).toEqual([Uint8Array.of(1)])
    expect(runtime.clock.pending).toBe(0)
  })
})

describe('abort', () => {
  it('ends both sides at once, whatever waits', async () => {
    const world = new World()
    await world.dial()
    for (let index = 0; index < 5; index++) world.send()
    world.alice.abort(ENOUGH)
    expect(await world.alice.closed).toEqual({ by: 'us', code: CLOSE_CODES.aborted, error: ENOUGH })
    await world.pass(50)
    expect(await world.bob.closed).toMatchObject({
      by: 'peer',
      code: CLOSE_CODES.aborted,
      error: { code: 'ERR_SESSION_ABORTED' },
    })
    expect([world.nodes.alice.timers, world.nodes.bob.timers]).toEqual([0, 0])
  })
})

describe('a path', () => {
  it('that is retired gets nothing more, and closes when all that went by it was acknowledged', async () => {
    const world = new World()
    const first = await world.dial({ delayMs: 20 })
    const second = await world.dial({ delayMs: 30 })
    await world.pass(500)
    for (let index = 0; index < 5; index++) world.send()
    first.ofAlice.retire()
    first.ofAlice.retire()
    await world.stream({ everyMs: 10, forMs: 30 })
    expect(world.alice.sendingPath).toBe(second.ofAlice)
    expect(world.alice.paths).toHaveLength(2)
    expect(countOf('drain', first.frames.alice)).toBe(1)
    await world.stream({ everyMs: 10, forMs: 200 })
    expect(world.alice.paths).toEqual([second.ofAlice])
    expect(await first.ofAlice.closed).toEqual({ by: 'us', code: 0 })
    expect(world.bob.sendingPath).toBe(second.ofBob)
    await world.pass(100)
    expect(world.isComplete).toBe(true)
    const sent = [...dataIn(first.frames.alice), ...dataIn(second.frames.alice)]
    expect(new Set(sent).size).toBe(sent.length)
    expect(world.count('alice', 'drained')).toBe(1)
    expect(world.count('bob', 'drained')).toBe(1)
  })

  it('that is retired and has stalled closes after 5 s', async () => {
    const world = new World()
    const first = await world.dial({ bytesPerMs: 4 })
    for (let index = 0; index < 4; index++) world.send(16_000)
    const fromMs = world.time.nowMs
    first.ofAlice.retire()
    await world.pass(RETIRE_TIMEOUT_MS - 1)
    expect(world.when('alice', 'lost')).toBeUndefined()
    await world.pass(1)
    expect(world.when('alice', 'lost')).toBe(fromMs + RETIRE_TIMEOUT_MS)
  })

  it('that is closed hands what was under way on it to another', async () => {
    const world = new World()
    const first = await world.dial({ delayMs: 20 })
    await world.dial({ delayMs: 30 })
    for (let index = 0; index < 5; index++) world.send()
    first.ofAlice.close()
    await world.pass(200)
    expect(world.isComplete).toBe(true)
    expect(world.bob.paths).toHaveLength(1)
  })

  it('says in words what happened to it', async () => {
    const world = new World()
    const first = await world.dial({ delayMs: 20 })
    await world.dial({ delayMs: 30, isDirect: false })
    await world.pass(500)
    first.ofAlice.close()
    await world.pass(100)
    expect(world.events.filter(({ who }) => who === 'alice').map(({ event }) => event.told)).toEqual([
      'path way 0 was added',
      'sending by path way 0 (not measured yet)',
      'path way 1 was added',
      'path way 0 was closed by this side with code 0',
      'sending by path way 1 (60 ms)',
    ])
    expect(encodeFrame({ type: 'drain' })).toEqual(Uint8Array.of(5))
  })
})
