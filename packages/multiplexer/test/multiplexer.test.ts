import { describe, expect, it } from '@jest/globals'
import { concatBytes, decodeHex, encodeHex, type Substream, SwarmError, utf8 } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { encodeCredit } from '../src/credit.ts'
import { encodeFrame, FLAGS } from '../src/frame.ts'
import { CLOSE_CODES, createMultiplexer, RESET_CODES } from '../src/index.ts'
import * as limits from '../src/limits.ts'
import { createPair, createSubstreamPair, createVictim } from './pair.ts'

const open = (id: number, type = 'chat') => encodeFrame({ flag: FLAGS.newStream, id, data: utf8(type) })
const data = (id: number, length: number) => encodeFrame({ flag: FLAGS.messageInitiator, id, data: new Uint8Array(length) })
const end = (id: number) => encodeFrame({ flag: FLAGS.closeInitiator, id })
const reset = (id: number) => encodeFrame({ flag: FLAGS.resetInitiator, id })
/** So many bytes of data in frames that fit a message each. */
const flood = (id: number, length: number) => {
  const messages: Uint8Array[] = []
  for (let rest = length; rest > 0; rest -= 16_000) messages.push(data(id, Math.min(rest, 16_000)))
  return messages
}

/** Uses what is free before each message up to its last byte, as a channel may. */
function scribbleBefore(send: (message: Uint8Array) => boolean): (message: Uint8Array, freeBytesBefore?: number) => boolean {
  return (message, freeBytesBefore = 0) => {
    expect(freeBytesBefore).toBe(17)
    new Uint8Array(message.buffer, message.byteOffset - freeBytesBefore, freeBytesBefore).fill(0xff)
    return send(message)
  }
}

describe('openSubstream', () => {
  it('sends the type and the first data in one message', async () => {
    const { alice, channels } = createPair()
    const sent: string[] = []
    const send = channels[0].send.bind(channels[0])
    channels[0].send = (message) => {
      sent.push(encodeHex(message))
      return send(message)
    }
    alice
      .openSubstream('chat')
      .raw()
      .write(Uint8Array.of(1, 2, 3))
    await settle()
    expect(sent).toEqual(['0004636861740203010203'])
  })

  it('leaves free before each message what its channel wants there', async () => {
    const [below, far] = createChannelPair()
    const received: number[] = []
    const substreamArrives = new Promise<Substream>((onSubstream) => {
      createMultiplexer({ channel: far, role: 'responder', runtime: createTestRuntime(), onSubstream })
    })
    const alice = createMultiplexer({
      channel: Object.assign(below, { headroomBytes: 17, send: scribbleBefore(below.send.bind(below)) }),
      role: 'initiator',
      runtime: createTestRuntime(),
      onSubstream: () => {},
    })
    const raw = alice.openSubstream('chat').raw()
    const written = Uint8Array.from({ length: 40_000 }, (_, index) => index % 251)
    for (const [start, end] of [
      [0, 20_000],
      [20_000, 20_001],
      [20_001, 40_000],
    ]) {
      raw.write(written.subarray(start, end))
      await settle()
    }
    ;(await substreamArrives).raw().onBytes = (bytes) => received.push(...bytes)
    await settle()
    expect(received).toEqual([...written])
  })

  it.each([
    ['no text', ''],
    ['65 bytes', 'a'.repeat(65)],
    ['33 letters of two bytes', 'é'.repeat(33)],
    ['half a surrogate pair', '\ud800'],
  ])('refuses a type of %s', (_what, type) => {
    expect(() => createPair().alice.openSubstream(type)).toThrow(RangeError)
  })

  it('takes a type of 64 bytes', async () => {
    const { received } = await createSubstreamPair({ type: 'é'.repeat(32) })
    expect(received.type).toBe('é'.repeat(32))
  })

  it('opens up to its limit, and again when one has ended', async () => {
    const { alice } = createPair({ limits: { substreamsOutMax: 3, substreamsInMax: 10 } })
    const first = alice.openSubstream('a')
    alice.openSubstream('b')
    alice.openSubstream('c')
    expect(() => alice.openSubstream('d')).toThrow(expect.objectContaining({ code: 'ERR_SUBSTREAM_LIMIT', retryable: true }))
    first.reset()
    expect(alice.openSubstream('d').type).toBe('d')
  })

  it('opens 64, of which the other side takes 32', async () => {
    const { alice, bob } = createPair()
    const opened = Array.from({ length: limits.SUBSTREAMS_OUT_MAX }, () => alice.openSubstream('chat'))
    expect(() => alice.openSubstream('chat')).toThrow(expect.objectContaining({ code: 'ERR_SUBSTREAM_LIMIT' }))
    expect(await opened[limits.SUBSTREAMS_IN_MAX]?.closed).toEqual({ kind: 'reset', by: 'peer', code: 0 })
    await settle()
    expect([alice.substreams.length, bob.substreams.length]).toEqual([limits.SUBSTREAMS_IN_MAX, limits.SUBSTREAMS_IN_MAX])
  })

  it('fails after close and after the end', async () => {
    const { alice, bob } = createPair()
    alice.close()
    expect(() => alice.openSubstream('chat')).toThrow(expect.objectContaining({ code: 'ERR_MULTIPLEXER_CLOSED' }))
    await bob.closed
    expect(() => bob.openSubstream('chat')).toThrow(expect.objectContaining({ code: 'ERR_MULTIPLEXER_CLOSED' }))
  })

  it('is reset by a peer that has enough, and the others go on', async () => {
    const { alice, bob, arrived } = createPair({ limits: { substreamsInMax: 2 } })
    const opened = [alice.openSubstream('a'), alice.openSubstream('b'), alice.openSubstream('c')]
    opened[2]?.raw().write(new Uint8Array(1000))
    expect(await opened[2]?.closed).toEqual({ kind: 'reset', by: 'peer', code: 0 })
    expect(arrived.map(({ type }) => type)).toEqual(['a', 'b'])
    expect([alice.substreams.length, bob.substreams.length]).toEqual([2, 2])
  })
})

describe('createMultiplexer', () => {
  const options = () => ({
    channel: createChannelPair()[0],
    role: 'initiator' as const,
    runtime: createTestRuntime(),
    onSubstream() {},
  })

  it('refuses options it does not know', () => {
    expect(() => createMultiplexer({ ...options(), flowcontrol: false } as never)).toThrow(TypeError)
    expect(() => createMultiplexer({ ...options(), role: 'server' } as never)).toThrow(TypeError)
    expect(() => createMultiplexer({ ...options(), limits: { windowMax: 1 } } as never)).toThrow(TypeError)
    expect(() => createMultiplexer({ ...options(), limits: { substreamsInMax: 0 } })).toThrow(RangeError)
  })

  it('refuses a channel whose messages are too short', () => {
    const [short] = createChannelPair({ maxMessageBytes: limits.MESSAGE_BYTES_MIN - 1 })
    const [enough] = createChannelPair({ maxMessageBytes: limits.MESSAGE_BYTES_MIN })
    expect(() => createMultiplexer({ ...options(), channel: short })).toThrow(RangeError)
    expect(createMultiplexer({ ...options(), channel: enough }).substreams).toEqual([])
  })

  it('has been returned before its first substream comes', async () => {
    const [a, b] = createChannelPair()
    a.send(open(0))
    await settle()
    const seen: Substream[] = []
    createMultiplexer({ ...options(), channel: b, role: 'responder', onSubstream: (substream) => seen.push(substream) })
    expect(seen).toHaveLength(0)
    await settle()
    expect(seen).toHaveLength(1)
  })
})

describe('a peer that breaks the protocol', () => {
  const credit = (bytes: number, fromInitiator = true) => encodeCredit({ id: 0, bytes, fromInitiator })
  it.each<[string, keyof typeof CLOSE_CODES, readonly Uint8Array[]]>([
    ['bytes that are no frame', 'frameMalformed', [decodeHex('ffffffffff')]],
    ['a frame beyond its message', 'frameTruncated', [open(0), data(0, 10).subarray(0, 5)]],
    ['an id twice in a row', 'substreamIdReused', [open(0), open(0)]],
    ['an id again after it ended', 'substreamIdReused', [open(0), reset(0), open(0)]],
    ['an id below the newest', 'substreamIdReused', [open(5), open(4)]],
    ['data for what nobody opened', 'substreamUnknown', [open(0), data(1, 1)]],
    ['an end of what nobody opened', 'substreamUnknown', [end(0)]],
    ['a reset of what nobody opened', 'substreamUnknown', [encodeFrame({ flag: FLAGS.resetReceiver, id: 0 })]],
    ['credit for what nobody opened', 'substreamUnknown', [credit(1)]],
    ['a type that is not UTF-8', 'typeInvalid', [encodeFrame({ flag: FLAGS.newStream, id: 0, data: Uint8Array.of(0xff) })]],
    ['an empty type', 'typeInvalid', [open(0, '')]],
    ['a byte beyond its credit', 'creditExceeded', [open(0), ...flood(0, limits.INITIAL_CREDIT_BYTES), data(0, 1)]],
    ['a credit of nothing', 'creditInvalid', [open(0), encodeFrame({ flag: FLAGS.credit, id: 0, data: Uint8Array.of(1) })]],
    ['credit beyond reason', 'creditInvalid', [open(0), credit(limits.SEND_CREDIT_BYTES_MAX)]],
    ['data after the end', 'frameAfterEnd', [open(0), end(0), data(0, 1)]],
    ['an end after the end', 'frameAfterEnd', [open(0), end(0), end(0)]],
    ['data after its own reset', 'lateFlood', [open(0), ...flood(0, 1000), reset(0), ...flood(0, limits.INITIAL_CREDIT_BYTES)]],
    [
      'ends of what it reset, for ever',
      'lateFlood',
      [open(0), reset(0), ...Array.from({ length: limits.LATE_FRAMES_PER_SUBSTREAM + 1 }, () => end(0))],
    ],
    ['a frame longer than any', 'frameTooLong', [concatBytes(open(0), decodeHex('02818040'))]],
  ])('ends its session at %s: %s', async (_what, name, messages) => {
    const { bob, mallory, substreams, runtime } = createVictim()
    for (const message of messages) mallory.send(message)
    expect(await bob.closed).toMatchObject({ by: 'us', code: CLOSE_CODES[name], error: { code: 'ERR_MULTIPLEXER_PROTOCOL' } })
    expect(await mallory.closed).toMatchObject({ by: 'peer', code: CLOSE_CODES[name] })
    for (const substream of substreams) expect((await substream.closed).kind).toBe('reset')
    expect(bob.substreams).toEqual([])
    expect(runtime.lines.join()).toContain(`close code ${CLOSE_CODES[name]}`)
    expect(runtime.clock.pending).toBe(0)
  })

  it('may use its credit to the last byte, and gather credit to the maximum', async () => {
    const { bob, mallory } = createVictim()
    mallory.send(open(0))
    for (const message of flood(0, limits.INITIAL_CREDIT_BYTES)) mallory.send(message)
    mallory.send(encodeCredit({ id: 0, bytes: limits.SEND_CREDIT_BYTES_MAX - limits.INITIAL_CREDIT_BYTES, fromInitiator: true }))
    await settle()
    expect(bob.substreams).toHaveLength(1)
  })

  it('may have all its credit under way when we reset, and not a byte more', async () => {
    const { bob, mallory, substreams } = createVictim()
    mallory.send(open(0))
    await settle()
    substreams[0]?.reset()
    for (const message of flood(0, limits.INITIAL_CREDIT_BYTES)) mallory.send(message)
    for (let count = 0; count < limits.LATE_FRAMES_PER_SUBSTREAM; count++) mallory.send(end(0))
    await settle()
    mallory.send(open(1))
    await settle()
    expect(bob.substreams).toHaveLength(1)
    mallory.send(data(0, 1))
    expect((await bob.closed).code).toBe(CLOSE_CODES.lateFlood)
  })

  it('is forgiven a burst of opens beyond the limit, not a flood', async () => {
    const { bob, mallory, sent, runtime } = createVictim({ limits: { substreamsInMax: 1 } })
    let id = 0
    mallory.send(open(id++))
    for (let count = 0; count < limits.REFUSED_OPENS_BURST; count++) mallory.send(open(id++))
    await settle()
    await runtime.clock.advance(1000)
    for (let count = 0; count < limits.REFUSED_OPENS_PER_SECOND; count++) mallory.send(open(id++))
    await settle()
    expect(bob.substreams).toHaveLength(1)
    expect(concatBytes(...sent).byteLength).toBeGreaterThan(200)
    mallory.send(open(id++))
    expect((await bob.closed).code).toBe(CLOSE_CODES.openFlood)
  })

  it('cannot make us keep resets for it without end', async () => {
    const [mallory, channel] = createChannelPair()
    channel.send = () => false // full for ever: no drain is ever told
    const runtime = createTestRuntime()
    const onSubstream = (substream: Substream) => substream.reset()
    const victim = createMultiplexer({ channel, role: 'responder', runtime, onSubstream })
    let ended = false
    void victim.closed.then(() => {
      ended = true
    })
    let id = 0
    for (let second = 0; second < 60 && !ended; second++) {
      for (let count = 0; count < limits.OPENS_PER_SECOND; count++) mallory.send(open(id++, 'a'))
      await runtime.clock.advance(1000)
    }
    expect((await victim.closed).code).toBe(CLOSE_CODES.controlFlood)
    expect(id).toBeGreaterThan(limits.CONTROL_QUEUE_BYTES_MAX / 6)
  })

  it('may open and reset fast, but not without end', async () => {
    const { bob, mallory } = createVictim()
    let id = 0
    for (let count = 0; count < limits.OPENS_BURST + limits.REFUSED_OPENS_BURST; count++)
      mallory.send(concatBytes(open(id), reset(id++)))
    await settle()
    expect(bob.substreams).toHaveLength(0)
    mallory.send(open(id))
    expect((await bob.closed).code).toBe(CLOSE_CODES.openFlood)
  })

  it('holds at most the bound over all its substreams: the one that reads least is reset', async () => {
    const bufferedBytesMax = 1024 * 1024
    const { bob, mallory, substreams } = createVictim({ limits: { bufferedBytesMax } })
    for (let id = 0; id < 5; id++) {
      mallory.send(open(id))
      for (const message of flood(id, limits.INITIAL_CREDIT_BYTES - (id === 2 ? 0 : 1))) mallory.send(message)
    }
    await settle()
    expect(await substreams[2]?.closed).toEqual({ kind: 'reset', by: 'us', code: RESET_CODES.buffersFull })
    expect(bob.substreams).toHaveLength(4)
  })
})

describe('the end of a multiplexer', () => {
  it('flushes before it closes', async () => {
    const { alice, bob, outgoing, received } = await createSubstreamPair()
    const raw = outgoing.raw()
    let read = 0
    let ended = false
    const reader = received.raw()
    reader.onBytes = (bytes) => {
      read += bytes.byteLength
      reader.consume(bytes.byteLength)
    }
    reader.onEnd = () => {
      ended = true
    }
    raw.write(new Uint8Array(2_000_000))
    raw.end()
    alice.close()
    alice.close()
    expect(await alice.closed).toEqual({ by: 'us', code: 0 })
    expect(await bob.closed).toEqual({ by: 'peer', code: 0 })
    expect([read, ended]).toEqual([2_000_000, true])
  })

  it('waits for a peer that does not read no longer than its limit', async () => {
    const runtime = createTestRuntime()
    const { alice, outgoing } = await createSubstreamPair({ runtime })
    outgoing.raw().write(new Uint8Array(2_000_000))
    let closed = false
    void alice.closed.then(() => {
      closed = true
    })
    alice.close()
    await runtime.clock.advance(limits.CLOSE_FLUSH_MS - 1)
    expect(closed).toBe(false)
    await runtime.clock.advance(1)
    expect(await alice.closed).toEqual({ by: 'us', code: 0 })
    expect(runtime.clock.pending).toBe(0)
    expect(await outgoing.closed).toEqual({ kind: 'reset', by: 'us', code: RESET_CODES.sessionEnded })
  })

  it('takes no new substream while it closes', async () => {
    const { alice, bob, outgoing, arrived } = await createSubstreamPair()
    const late = bob.openSubstream('late')
    outgoing.raw().write(new Uint8Array(2_000_000))
    alice.close()
    expect(await late.closed).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(arrived).toHaveLength(0)
    alice.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    expect(await alice.closed).toMatchObject({ by: 'us', error: { code: 'ERR_ENOUGH' } })
  })

  it('aborts at once, with every substream', async () => {
    const { alice, bob, outgoing, received } = await createSubstreamPair()
    const error = new SwarmError('Enough.', { code: 'ERR_ENOUGH' })
    alice.abort(error)
    expect(outgoing.raw().write(Uint8Array.of(1))).toBe(false)
    expect(await alice.closed).toMatchObject({ by: 'us', error })
    expect((await bob.closed).error).toBeInstanceOf(SwarmError)
    expect(await outgoing.closed).toEqual({ kind: 'reset', by: 'us', code: RESET_CODES.sessionEnded })
    expect(await received.closed).toEqual({ kind: 'reset', by: 'peer', code: RESET_CODES.sessionEnded })
    alice.abort(error)
    alice.close()
  })
})
