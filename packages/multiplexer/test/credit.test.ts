import { describe, expect, it } from '@jest/globals'
import { encodeHex } from '@resilient-swarm/contract'
import { createVirtualClock } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { decodeCredit, encodeCredit, isHeldBack, PeerBuffers, ReceiveWindow } from '../src/credit.ts'
import { ProtocolViolation } from '../src/errors.ts'
import { BUFFERED_BYTES_MAX, INITIAL_CREDIT_BYTES, SEND_CREDIT_BYTES_MAX, WINDOW_BYTES_MAX } from '../src/limits.ts'

const SEED = Date.now()
const RUNS = { numRuns: 1000, seed: SEED }

function createWindow({ flowControl = true, buffers = new PeerBuffers({ bytesMax: BUFFERED_BYTES_MAX }) } = {}) {
  const clock = createVirtualClock()
  return { clock, buffers, window: new ReceiveWindow({ buffers, clock, flowControl }) }
}

/** A sender that always has more, `roundTripMs` away, and a reader that takes `readerMs` for each burst. */
async function run(
  rounds: number,
  { roundTripMs = 0, readerMs = 0, paceMs = 0, buffers = new PeerBuffers({ bytesMax: BUFFERED_BYTES_MAX }) },
) {
  const { clock, window } = createWindow({ buffers })
  let credit = INITIAL_CREDIT_BYTES
  for (let round = 0; round < rounds; round++) {
    let granted = 0
    let grantedMs = 0
    while (credit > 0) {
      const frame = Math.min(credit, 16 * 1024)
      credit -= frame
      expect(window.receive(frame)).toBe(true)
      await clock.advance(paceMs)
      if (readerMs > 0) continue
      const grant = window.consume(frame)
      if (grant > 0 && granted === 0) grantedMs = clock.monotonic()
      granted += grant
    }
    await clock.advance(readerMs)
    if (readerMs > 0) {
      granted += window.consume(window.unreadBytes)
      grantedMs = clock.monotonic()
    }
    await clock.advance(Math.max(0, grantedMs + roundTripMs - clock.monotonic()))
    credit += granted
  }
  return window
}

describe('the credit frame', () => {
  it.each([
    [{ id: 0, bytes: 131072, fromInitiator: false }, '0703808010'],
    [{ id: 0, bytes: 131072, fromInitiator: true }, '0703818010'],
    [{ id: 3, bytes: 1, fromInitiator: true }, '1f0103'],
    [{ id: 1, bytes: SEND_CREDIT_BYTES_MAX, fromInitiator: true }, '0f05ffffffff0f'],
  ])('writes and reads %j', (credit, hex) => {
    const frame = encodeCredit(credit)
    expect(encodeHex(frame)).toBe(hex)
    expect(decodeCredit(frame.subarray(2))).toEqual({ bytes: credit.bytes, fromInitiator: credit.fromInitiator })
  })

  it.each([
    ['nothing', []],
    ['a credit of no bytes', [0x01]],
    ['a byte behind the number', [0x03, 0x00]],
    ['a number that is longer than needed', [0x83, 0x00]],
    ['half a number', [0x80]],
    ['2^31 bytes', [0x80, 0x80, 0x80, 0x80, 0x10]],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decodeCredit(Uint8Array.from(bytes))).toThrow(ProtocolViolation)
  })

  it(`only ever throws a ProtocolViolation, seed ${SEED}`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        try {
          const { bytes: granted } = decodeCredit(bytes)
          expect(granted).toBeGreaterThan(0)
          expect(granted).toBeLessThanOrEqual(SEND_CREDIT_BYTES_MAX)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
        }
      }),
      RUNS,
    )
  })
})

describe('ReceiveWindow', () => {
  it('takes exactly what was granted, and not a byte more', () => {
    const { window, buffers } = createWindow()
    expect(window.receive(INITIAL_CREDIT_BYTES)).toBe(true)
    expect(window.receive(1)).toBe(false)
    expect(buffers.unreadBytes).toBe(INITIAL_CREDIT_BYTES)
  })

  it('grants when half a window is consumed, not a byte earlier', () => {
    const { window } = createWindow()
    window.receive(INITIAL_CREDIT_BYTES)
    expect(window.consume(INITIAL_CREDIT_BYTES / 2 - 1)).toBe(0)
    expect(window.consume(1)).toBe(INITIAL_CREDIT_BYTES / 2)
  })

  it('keeps window = outstanding + unread + owed, whatever happens', () => {
    const step = fc.tuple(fc.boolean(), fc.nat({ max: 100_000 }), fc.nat({ max: 30 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { window, clock } = createWindow()
        let granted = INITIAL_CREDIT_BYTES
        let received = 0
        for (const [receives, size, delayMs] of steps) {
          void clock.advance(delayMs)
          const count = receives ? Math.min(size, window.outstandingBytes) : Math.min(size, window.unreadBytes)
          if (receives) received += window.receive(count) ? count : 0
          else granted += window.consume(count)
          expect(window.outstandingBytes).toBe(granted - received)
          expect(window.outstandingBytes + window.unreadBytes).toBeLessThanOrEqual(window.windowBytes)
        }
      }),
      RUNS,
    )
  })

  it('grows to its maximum for a fast reader far away', async () => {
    expect((await run(12, { roundTripMs: 100, paceMs: 0.1 })).windowBytes).toBe(WINDOW_BYTES_MAX)
  })

  it('stays small on a loop-back, however fast', async () => {
    expect((await run(50, { roundTripMs: 0.2 })).windowBytes).toBe(INITIAL_CREDIT_BYTES)
  })

  it('stays small for a reader who takes longer than a round trip', async () => {
    expect((await run(50, { roundTripMs: 20, readerMs: 50 })).windowBytes).toBe(INITIAL_CREDIT_BYTES)
  })

  it('stays small when the link, not the window, is what is slow', async () => {
    expect((await run(50, { roundTripMs: 20, paceMs: 5 })).windowBytes).toBe(INITIAL_CREDIT_BYTES)
  })

  it('grows only into what the windows of the peer leave of the bound', async () => {
    const buffers = new PeerBuffers({ bytesMax: 1024 * 1024 })
    createWindow({ buffers })
    const window = await run(12, { roundTripMs: 100, buffers })
    expect(window.windowBytes).toBe(768 * 1024)
    expect(buffers.windowBytes).toBe(1024 * 1024)
    const late = createWindow({ buffers }).window
    window.receive(window.outstandingBytes)
    window.consume(window.unreadBytes)
    expect(buffers.windowBytes).toBe(1024 * 1024)
    window.release()
    late.release()
    expect(buffers.windowBytes).toBe(INITIAL_CREDIT_BYTES)
  })

  it('grants nothing and bounds nothing for plain mplex', () => {
    const { window, buffers } = createWindow({ flowControl: false })
    expect(window.receive(100_000_000)).toBe(true)
    expect(window.consume(100_000_000)).toBe(0)
    expect(buffers).toMatchObject({ unreadBytes: 0, windowBytes: 0 })
  })
})

describe('isHeldBack', () => {
  it.each([
    ['the peer ran dry and went on a round trip after the grant', { grantedMs: 0, spentMs: 10, nowMs: 50 }, true],
    ['it never ran dry for long', { grantedMs: 0, spentMs: 45, nowMs: 50 }, false],
    ['the reader took less than a round trip', { grantedMs: 30, spentMs: 0, nowMs: 80 }, true],
    ['the reader took longer than a round trip', { grantedMs: 60, spentMs: 0, nowMs: 110 }, false],
    ['the round trip is a loop-back', { grantedMs: 0, spentMs: 0, nowMs: 0.9 }, false],
  ])('%s: %p is %p', (_what, times, expected) => {
    expect(isHeldBack(times)).toBe(expected)
  })
})
