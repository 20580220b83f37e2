import { describe, expect, it } from '@jest/globals'
import { concatBytes, equalBytes, SwarmError } from '@resilient-swarm/contract'
import { settle } from '@resilient-swarm/testkit'
import { RESET_CODES } from '../src/errors.ts'
import { INITIAL_CREDIT_BYTES, WRITE_HIGH_WATER_BYTES, WRITE_QUEUE_BYTES_MAX } from '../src/limits.ts'
import { createSubstreamPair, readAll } from './pair.ts'

const bytesOf = (length: number, first = 0) => Uint8Array.from({ length }, (_, index) => (first + index * 7) & 0xff)

describe('a substream as WHATWG streams', () => {
  it('carries bytes both ways, and ends each way by itself', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const question = bytesOf(200_000)
    const answer = bytesOf(300_000, 5)
    const asking = outgoing.writable.getWriter()
    await asking.write(question.slice(0, 70_000))
    void asking.write(question.slice(70_000))
    void asking.close()
    expect(equalBytes(await readAll(received.readable), question)).toBe(true)
    const answering = received.writable.getWriter()
    void answering.write(answer.slice())
    void answering.close()
    expect(equalBytes(await readAll(outgoing.readable), answer)).toBe(true)
    expect(await outgoing.closed).toEqual({ kind: 'finished' })
    expect(await received.closed).toEqual({ kind: 'finished' })
  })

  it('has taken a chunk when its write resolves: the buffer is free again', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const writer = outgoing.writable.getWriter()
    const read = readAll(received.readable)
    const wanted: Uint8Array[] = []
    for (const size of [1, 100, 16_363, 40_000, 100_000, 500_000]) {
      const chunk = new Uint8Array(size).fill(size & 0xff)
      wanted.push(chunk.slice())
      await writer.write(chunk)
      chunk.fill(0xee)
    }
    await writer.close()
    expect(equalBytes(await read, concatBytes(...wanted))).toBe(true)
  })

  it('makes a writer wait for its reader, byte for byte', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const writer = outgoing.writable.getWriter()
    let written = 0
    void (async () => {
      for (;;) {
        await writer.ready
        writer.write(new Uint8Array(10_000)).catch(() => {})
        written += 10_000
      }
    })().catch(() => {})
    await settle()
    const bound = INITIAL_CREDIT_BYTES + 2 * WRITE_HIGH_WATER_BYTES + 2 * 10_000
    expect(written).toBeGreaterThan(INITIAL_CREDIT_BYTES)
    expect(written).toBeLessThanOrEqual(bound)
    const reader = received.readable.getReader()
    const before = written
    let read = 0
    while (read < 400_000) read += (await reader.read()).value?.byteLength ?? 0
    await settle()
    expect(written - before).toBeLessThanOrEqual(read + WRITE_HIGH_WATER_BYTES)
    expect(written - before).toBeGreaterThan(read - INITIAL_CREDIT_BYTES)
    outgoing.reset()
  })

  it('gives credit back only for what a reader takes', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const raw = outgoing.raw()
    raw.write(new Uint8Array(INITIAL_CREDIT_BYTES))
    expect(raw.write(new Uint8Array(WRITE_HIGH_WATER_BYTES + 1))).toBe(false)
    await settle()
    let drained = 0
    raw.onDrain = () => drained++
    const reader = received.readable.getReader()
    let read = 0
    while (read < INITIAL_CREDIT_BYTES / 2 - 16 * 1024) read += (await reader.read()).value?.byteLength ?? 0
    await settle()
    expect(drained).toBe(0)
    while (read < INITIAL_CREDIT_BYTES / 2) read += (await reader.read()).value?.byteLength ?? 0
    await settle()
    expect(drained).toBe(1)
  })

  it('settles every pending read and write when it is reset', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const reading = received.readable.getReader().read()
    const stuck = outgoing.writable.getWriter()
    const write = stuck.write(new Uint8Array(1_000_000))
    const close = stuck.close()
    const other = outgoing.readable.getReader().read()
    await expect(reading).resolves.toMatchObject({ done: false })
    received.reset(7)
    await expect(write).rejects.toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
    await expect(close).rejects.toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
    await expect(other).rejects.toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
    expect(await received.closed).toEqual({ kind: 'reset', by: 'us', code: 7 })
    expect(await outgoing.closed).toEqual({ kind: 'reset', by: 'peer', code: 0 })
  })

  it('tells streams that are made after a reset at once', async () => {
    const { outgoing, received } = await createSubstreamPair()
    outgoing.reset()
    await received.closed
    await expect(received.readable.getReader().read()).rejects.toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
    await expect(received.writable.getWriter().write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'ERR_SUBSTREAM_RESET' })
  })

  it('resets for a chunk that is no Uint8Array, and for an aborted writer', async () => {
    const { outgoing, received, alice } = await createSubstreamPair()
    await expect(outgoing.writable.getWriter().write('text' as unknown as Uint8Array)).rejects.toThrow(TypeError)
    expect(await received.closed).toMatchObject({ kind: 'reset', by: 'peer' })
    const second = alice.openSubstream('chat')
    await second.writable.abort('enough')
    expect(await second.closed).toEqual({ kind: 'reset', by: 'us', code: RESET_CODES.cancelled })
  })

  it('throws away what comes after the reader cancelled, so that the writer can finish', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const writer = outgoing.writable.getWriter()
    void writer.write(new Uint8Array(1_000_000))
    const closed = writer.close()
    const reader = received.readable.getReader()
    await reader.read()
    await reader.cancel()
    await closed
    await received.writable.close()
    expect(await received.closed).toEqual({ kind: 'finished' })
    expect(await outgoing.closed).toEqual({ kind: 'finished' })
  })

  it('lets what came whole be read after the session has gone', async () => {
    const { outgoing, received, alice, bob } = await createSubstreamPair()
    const writer = outgoing.writable.getWriter()
    await writer.write(bytesOf(5000))
    await writer.close()
    alice.close()
    await bob.closed
    expect(await received.closed).toEqual({ kind: 'reset', by: 'peer', code: RESET_CODES.sessionEnded })
    expect(await readAll(received.readable)).toEqual(bytesOf(5000))
    await expect(received.writable.getWriter().write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'ERR_MULTIPLEXER_CLOSED' })
  })

  it('fails reads of what did not come whole when the session has gone', async () => {
    const { outgoing, received, alice } = await createSubstreamPair()
    await outgoing.writable.getWriter().write(bytesOf(5000))
    const reader = received.readable.getReader()
    expect((await reader.read()).value).toEqual(bytesOf(5000))
    const next = reader.read()
    alice.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    await expect(next).rejects.toMatchObject({ code: 'ERR_MULTIPLEXER_CLOSED', retryable: true })
    await expect(outgoing.readable.getReader().read()).rejects.toMatchObject({ cause: { code: 'ERR_ENOUGH' } })
  })

  it('can be read to its end after both ends came', async () => {
    const { outgoing, received, bob } = await createSubstreamPair()
    await received.writable.close()
    const writer = outgoing.writable.getWriter()
    await writer.write(bytesOf(5000))
    await writer.close()
    expect(await received.closed).toEqual({ kind: 'finished' })
    expect(bob.substreams).toHaveLength(1)
    expect(await readAll(received.readable)).toEqual(bytesOf(5000))
    expect(bob.substreams).toHaveLength(0)
  })
})

describe('a raw substream', () => {
  it('is either raw or WHATWG streams, once', async () => {
    const { alice } = await createSubstreamPair()
    const raw = alice.openSubstream('chat')
    raw.raw()
    expect(() => raw.readable).toThrow(TypeError)
    expect(() => raw.writable).toThrow(TypeError)
    expect(() => raw.raw()).toThrow(TypeError)
    for (const used of ['readable', 'writable'] as const) {
      const streams = alice.openSubstream('chat')
      expect(streams[used].locked).toBe(false)
      expect(() => streams.raw()).toThrow(TypeError)
    }
  })

  it('delivers what came before the listener, bytes first, then the end', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const alice = outgoing.raw()
    alice.write(Uint8Array.of(1))
    alice.write(Uint8Array.of(2))
    alice.end()
    await settle()
    const seen: string[] = []
    const bob = received.raw()
    bob.onEnd = () => seen.push('end')
    expect(seen).toEqual([])
    bob.onBytes = (bytes) => seen.push(bytes.join())
    expect(seen).toEqual(['1,2', 'end'])
  })

  it('says false once its queue is over the mark, and calls onDrain once when there is room', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const raw = outgoing.raw()
    let drained = 0
    raw.onDrain = () => drained++
    expect(raw.write(new Uint8Array(INITIAL_CREDIT_BYTES + WRITE_HIGH_WATER_BYTES))).toBe(false)
    await settle()
    expect(raw.write(Uint8Array.of(1))).toBe(false)
    expect(drained).toBe(0)
    const bob = received.raw()
    bob.onBytes = (bytes) => bob.consume(bytes.byteLength)
    await settle()
    expect(drained).toBe(1)
    expect(raw.write(Uint8Array.of(1))).toBe(true)
  })

  it('refuses a writer that never waits, before it takes the memory', async () => {
    const { outgoing } = await createSubstreamPair()
    const raw = outgoing.raw()
    raw.write(new Uint8Array(INITIAL_CREDIT_BYTES))
    await settle()
    raw.write(new Uint8Array(WRITE_QUEUE_BYTES_MAX - 1))
    raw.write(new Uint8Array(1))
    expect(() => raw.write(new Uint8Array(1))).toThrow(RangeError)
  })

  it('refuses to consume more than was delivered', async () => {
    const { outgoing, received } = await createSubstreamPair()
    outgoing.raw().write(Uint8Array.of(1, 2, 3))
    await settle()
    const bob = received.raw()
    bob.onBytes = () => {}
    expect(() => bob.consume(4)).toThrow(RangeError)
    expect(() => bob.consume(-1)).toThrow(RangeError)
    expect(() => bob.consume(Number.NaN)).toThrow(RangeError)
    bob.consume(3)
    expect(() => bob.consume(1)).toThrow(RangeError)
  })

  it('drops writes after its end, and says nothing after a reset', async () => {
    const { outgoing, received } = await createSubstreamPair()
    const alice = outgoing.raw()
    const bob = received.raw()
    const seen: string[] = []
    bob.onBytes = (bytes) => seen.push(bytes.join())
    bob.onEnd = () => seen.push('end')
    alice.write(Uint8Array.of(1))
    alice.end()
    expect(alice.write(Uint8Array.of(2))).toBe(false)
    alice.end()
    await settle()
    expect(seen).toEqual(['1', 'end'])
    bob.reset()
    expect(bob.write(Uint8Array.of(3))).toBe(false)
    bob.consume(1)
    bob.reset()
    expect(() => bob.reset(-1)).toThrow(RangeError)
  })

  it('joins small writes of one tick into one message', async () => {
    const { outgoing, received, channels } = await createSubstreamPair()
    await settle()
    let messages = 0
    const send = channels[0].send.bind(channels[0])
    channels[0].send = (message) => {
      messages++
      return send(message)
    }
    const alice = outgoing.raw()
    let read = 0
    received.raw().onBytes = (bytes) => {
      read += bytes.byteLength
    }
    for (let index = 0; index < 100; index++) alice.write(new Uint8Array(50))
    await settle()
    expect([messages, read]).toEqual([1, 5000])
  })
})
