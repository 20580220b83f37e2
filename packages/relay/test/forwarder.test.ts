import { describe, expect, it } from '@jest/globals'
import { concatBytes, encodeHex } from '@resilient-swarm/contract'
import { createVirtualClock } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { Forwarder } from '../src/forwarder.ts'
import { FORWARD_BYTES_MAX } from '../src/limits.ts'
import { encodeControl, encodeMessageHeader } from '../src/messages.ts'
import { TokenRate } from '../src/token-rate.ts'
import { createFakeRaw } from './fake-raw.ts'

const EMPTY = new Uint8Array(0)
const message = (byteCount: number, fill = 1) => concatBytes(encodeMessageHeader(byteCount), new Uint8Array(byteCount).fill(fill))
const close = encodeControl({ type: 'close', code: 0 })
const renew = encodeControl({ type: 'renew' })
const drain = { type: 'drain', leftMs: 5 } as const
const end = { type: 'end', code: 221 } as const
const hex = (...parts: readonly Uint8Array[]) => encodeHex(concatBytes(...parts))

function create({ bytesPerSecond = Number.POSITIVE_INFINITY, burstBytes = 1 } = {}) {
  const clock = createVirtualClock()
  const [from, to] = [createFakeRaw(), createFakeRaw()]
  const events: string[] = []
  let forwardedBytes = 0
  const forwarder = new Forwarder({
    from,
    to,
    clock,
    rate: new TokenRate({ bytesPerSecond, burstBytes, clock }),
    onForwarded: (byteCount) => {
      forwardedBytes += byteCount
    },
    onRenew: () => events.push('renew'),
    onMalformed: () => events.push('malformed'),
    onLost: () => events.push('lost'),
  })
  forwarder.start(EMPTY)
  return { clock, from, to, events, forwarder, forwarded: () => forwardedBytes }
}

describe('Forwarder', () => {
  it('passes messages on in one write a chunk, and gives as much credit back', () => {
    const { from, to, forwarded } = create()
    const chunk = concatBytes(message(10), message(0), message(100).subarray(0, 50))
    from.onBytes(chunk)
    expect(to.hex).toBe(hex(chunk))
    expect(to.written).toHaveLength(1)
    expect(from.consumedBytes).toBe(chunk.byteLength)
    expect(forwarded()).toBe(chunk.byteLength)
  })

  it('passes the very bytes of all messages on, however they were cut', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 })
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }), (messages, cuts) => {
        const { from, to } = create()
        const bytes = concatBytes(...messages.map((size, index) => message(size, index)), close)
        for (let offset = 0, turn = 0; offset < bytes.byteLength; turn++) {
          const size = cuts[turn % cuts.length] as number
          from.onBytes(bytes.subarray(offset, offset + size))
          offset += size
        }
        from.onEnd()
        expect(to.hex).toBe(hex(bytes))
        expect(from.consumedBytes).toBe(bytes.byteLength)
        expect(to.ended).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('gives no credit back while the other leg has no room, and goes on when it has', () => {
    const { from, to, forwarder } = create()
    to.hasRoom = false
    from.onBytes(message(1000))
    expect(from.consumedBytes).toBe(1003) // that one was taken
    from.onBytes(message(2000))
    from.onBytes(message(9000))
    expect(from.consumedBytes).toBe(1003)
    expect(forwarder.heldBytes).toBe(2003 + 9003)
    to.hasRoom = true
    to.onDrain()
    expect(to.hex).toBe(hex(message(1000), message(2000), message(9000)))
    expect(forwarder.heldBytes).toBe(0)
    expect(from.consumedBytes).toBe(1003 + 2003 + 9003)
  })

  it('does not wait for a drain that came before write returned', () => {
    const { from, to } = create()
    const write = to.write.bind(to)
    to.write = (bytes) => {
      write(bytes)
      to.onDrain()
      return false
    }
    from.onBytes(message(10))
    from.onBytes(message(20))
    expect(to.hex).toBe(hex(message(10), message(20)))
  })

  it('keeps the rate to within one piece at every moment, and holds back no more than it must', async () => {
    const [bytesPerSecond, burstBytes, totalBytes] = [100_000, 20_000, 1_000_000]
    const { clock, from, to, forwarder } = create({ bytesPerSecond, burstBytes })
    let sentBytes = 0
    const window = 256 * 1024
    const send = () => {
      // As the multiplexer does it: never more than a window that was not given back.
      while (sentBytes < totalBytes && sentBytes - from.consumedBytes + 10_003 <= window) {
        sentBytes += 10_003
        from.onBytes(message(10_000))
      }
    }
    for (let elapsedMs = 0; to.writtenBytes < totalBytes; elapsedMs += 10) {
      send()
      const allowed = burstBytes + (bytesPerSecond * elapsedMs) / 1000
      expect(to.writtenBytes).toBeLessThanOrEqual(allowed + FORWARD_BYTES_MAX)
      expect(to.writtenBytes).toBeGreaterThan(Math.min(allowed - FORWARD_BYTES_MAX, totalBytes) - 20_000)
      expect(forwarder.heldBytes).toBeLessThanOrEqual(window)
      await clock.advance(10)
    }
    expect(from.consumedBytes).toBe(to.writtenBytes)
    expect(clock.monotonic()).toBeGreaterThan(((totalBytes - burstBytes) * 1000) / bytesPerSecond - 200)
  })

  it('cuts what came in one piece that is too long, so that the rate holds', async () => {
    const { clock, from, to } = create({ bytesPerSecond: 16_384, burstBytes: 1 })
    from.onBytes(concatBytes(message(16_384), message(16_384), message(16_384)))
    expect(to.writtenBytes).toBe(FORWARD_BYTES_MAX)
    await clock.advance(1_001)
    expect(to.writtenBytes).toBe(2 * FORWARD_BYTES_MAX)
  })

  it('puts a frame of its own between two messages, never inside one', () => {
    const { from, to, forwarder } = create()
    from.onBytes(message(100).subarray(0, 50))
    forwarder.insert(drain)
    expect(to.hex).toBe(hex(message(100).subarray(0, 50)))
    from.onBytes(concatBytes(message(100).subarray(50), message(3)))
    expect(to.hex).toBe(hex(message(100), encodeControl(drain), message(3)))
    forwarder.insert(drain)
    expect(to.hex).toBe(hex(message(100), encodeControl(drain), message(3), encodeControl(drain)))
  })

  it('puts it in front of a header of which only a part came', () => {
    const { from, to, forwarder } = create()
    from.onBytes(message(300).subarray(0, 2))
    forwarder.insert(drain)
    from.onBytes(message(300).subarray(2))
    expect(to.hex).toBe(hex(encodeControl(drain), message(300)))
  })

  it('ends with a last frame at once between two messages, and throws away what still comes', () => {
    const { from, to, forwarder } = create()
    to.hasRoom = false
    from.onBytes(message(3))
    from.onBytes(message(4))
    expect(forwarder.finish(end)).toBe(true)
    from.onBytes(message(5))
    expect(to.hex).toBe(hex(message(3), encodeControl(end)))
    expect(to.ended).toBe(true)
    expect(from.consumedBytes).toBe(5 + 6 + 7)
  })

  it('ends after the message that it is inside of, with nothing behind it', () => {
    const { from, to, forwarder } = create()
    from.onBytes(message(100).subarray(0, 50))
    expect(forwarder.finish(end)).toBe(false)
    const rest = concatBytes(message(100).subarray(50), message(7), message(8))
    from.onBytes(rest)
    expect(to.hex).toBe(hex(message(100), encodeControl(end)))
    expect(to.ended).toBe(true)
    expect(from.consumedBytes).toBe(50 + rest.byteLength)
  })

  it('takes RENEW out, in its turn', () => {
    const { from, to, events } = create()
    from.onBytes(concatBytes(message(3), renew, message(4)))
    expect(to.hex).toBe(hex(message(3), message(4)))
    expect(events).toEqual(['renew'])
  })

  it('passes CLOSE on, and the end behind it when everything before it went', () => {
    const { from, to } = create()
    to.hasRoom = false
    from.onBytes(message(1))
    from.onBytes(concatBytes(message(2), close))
    from.onEnd()
    expect(to.ended).toBe(false)
    to.onDrain()
    expect(to.hex).toBe(hex(message(1), message(2), close))
    expect(to.ended).toBe(true)
  })

  it.each([
    ['no CLOSE', message(3)],
    ['half a message', message(3).subarray(0, 4)],
    ['half a CLOSE', close.subarray(0, 1)],
    ['something begun behind its CLOSE', concatBytes(close, close.subarray(0, 1))],
  ])('takes an end with %s for a loss', (_, bytes) => {
    const { from, to, events } = create()
    from.onBytes(bytes)
    from.onEnd()
    expect(events).toEqual(['lost'])
    expect(to.ended).toBe(false)
  })

  it.each([
    ['a message behind CLOSE', concatBytes(close, message(1))],
    ['an empty message behind CLOSE', concatBytes(close, message(0))],
    ['a second CLOSE', concatBytes(close, close)],
    ['RENEW behind CLOSE', concatBytes(close, renew)],
    ['DRAIN, which only a relay says', encodeControl(drain)],
    ['END, which only a relay says', encodeControl(end)],
    ['an ACCEPT in the middle', encodeControl({ type: 'accept', limits: undefined })],
    ['a type that is none', Uint8Array.of(0, 0)],
    ['a message that is too long', encodeMessageHeader(16_385)],
  ])('ends over %s', (_, bytes) => {
    const { from, to, events } = create()
    from.onBytes(concatBytes(message(2), bytes))
    expect(events).toEqual(['malformed'])
    expect(to.hex.startsWith(hex(message(2)))).toBe(true)
    const writtenBytes = to.writtenBytes
    from.onBytes(message(2))
    expect(to.writtenBytes).toBe(writtenBytes)
  })
})
