import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FRAME_COST_BYTES } from '../src/limits.ts'
import { SendWindow } from '../src/send-window.ts'
import { fuzz } from './fuzz.ts'

const LIMITS = { windowBytes: 1000, windowBytesMax: 10_000, pathsMax: 4 }

function push(window: SendWindow, byteCount: number): void {
  window.push({ frame: new Uint8Array(byteCount), ack: 0 })
}

/** Everything that goes out on `slot` while paths of `trusted` are. */
function pump(window: SendWindow, slot: number, trusted = 1 << slot): number[] {
  const seqs: number[] = []
  for (let kept = window.next(trusted | (1 << slot)); kept; kept = window.next(trusted | (1 << slot))) {
    window.sent(kept, slot)
    seqs.push(kept.seq)
  }
  return seqs
}

describe('the send window', () => {
  it('lets out as much as it holds, to the byte', () => {
    const window = new SendWindow(LIMITS)
    push(window, 500 - FRAME_COST_BYTES)
    push(window, 500 - FRAME_COST_BYTES)
    expect(window.hasRoom).toBe(false)
    expect(pump(window, 0)).toEqual([0, 1])
    const other = new SendWindow(LIMITS)
    push(other, 500 - FRAME_COST_BYTES)
    push(other, 501 - FRAME_COST_BYTES)
    expect(pump(other, 0)).toEqual([0])
    other.acknowledge(1)
    expect(pump(other, 0)).toEqual([1])
  })

  it('lets one frame out however small it is, or nothing would ever move', () => {
    const window = new SendWindow({ ...LIMITS, windowBytes: 10 })
    push(window, 500)
    expect(pump(window, 0)).toEqual([0])
  })

  it('refuses an acknowledgement of what was never sent, and ignores an old one', () => {
    const window = new SendWindow(LIMITS)
    push(window, 10)
    push(window, 10)
    expect(window.acknowledge(1)).toBeUndefined()
    pump(window, 0)
    expect(window.acknowledge(3)).toBeUndefined()
    expect(window.acknowledge(2)?.bytes).toBe(20 + 2 * FRAME_COST_BYTES)
    expect(window.acknowledge(1)).toEqual({ bytes: 0, proven: 0 })
  })

  it('takes an acknowledgement of what went by a path that is lost since', () => {
    const window = new SendWindow(LIMITS)
    push(window, 10)
    pump(window, 0)
    window.pathLost(0)
    expect(window.acknowledge(1)?.bytes).toBeGreaterThan(0)
  })

  it('sends again what was under way on a lost path alone', () => {
    const window = new SendWindow(LIMITS)
    for (let index = 0; index < 4; index++) push(window, 10)
    const [first, second] = [window.next(1), undefined]
    expect(second).toBeUndefined()
    window.sent(first as NonNullable<typeof first>, 0)
    expect(pump(window, 1, 3)).toEqual([1, 2, 3])
    window.pathLost(0)
    expect(pump(window, 1, 2)).toEqual([0])
  })

  it('duplicates what only suspected paths carry', () => {
    const window = new SendWindow(LIMITS)
    for (let index = 0; index < 3; index++) push(window, 10)
    pump(window, 0)
    window.rescan()
    expect(pump(window, 1, 2)).toEqual([0, 1, 2])
    expect(window.outstandingOn(0)).toBe(3)
    expect(window.outstandingOn(1)).toBe(3)
    expect(window.acknowledge(3)?.proven).toBe(0) // either may have brought it
    expect(window.outstandingOn(0)).toBe(0)
  })

  it('says which path has proven itself', () => {
    const window = new SendWindow(LIMITS)
    push(window, 10)
    pump(window, 2)
    expect(window.acknowledge(1)?.proven).toBe(1 << 2)
  })

  it('grows to twice what a round trip carries, only where it was what held the sender back', () => {
    const grown = (isHeldBack: boolean, rttMs = 100) => {
      const window = new SendWindow(LIMITS)
      for (let index = 0; index < (isHeldBack ? 40 : 4); index++) push(window, 186)
      window.grow({ bytes: 0, nowMs: 0, rttMs })
      pump(window, 0)
      window.grow({ bytes: 1000, nowMs: 100, rttMs })
      return window.windowBytes
    }
    expect(grown(true)).toBe(2000)
    expect(grown(false)).toBe(1000)
    expect(grown(true, 50)).toBe(1000)
  })

  it('grows no further than its maximum', () => {
    const window = new SendWindow(LIMITS)
    for (let index = 0; index < 40; index++) push(window, 186)
    window.grow({ bytes: 0, nowMs: 0, rttMs: 100 })
    pump(window, 0)
    window.grow({ bytes: 1e9, nowMs: 100, rttMs: 100 })
    expect(window.windowBytes).toBe(LIMITS.windowBytesMax)
  })

  it('does as a slow twin does, whatever happens', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), bytes: fc.nat({ max: 400 }) }),
      fc.record({ kind: fc.constant('send' as const), slot: fc.nat({ max: 3 }), trusted: fc.nat({ max: 15 }) }),
      fc.record({ kind: fc.constant('ack' as const), ack: fc.nat({ max: 60 }) }),
      fc.record({ kind: fc.constant('lost' as const), slot: fc.nat({ max: 3 }) }),
    )
    fuzz(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const window = new SendWindow(LIMITS)
        const twin = new SlowWindow(LIMITS.windowBytes)
        for (const one of actions) {
          switch (one.kind) {
            case 'push':
              push(window, one.bytes)
              twin.push(one.bytes)
              break
            case 'send':
              window.rescan()
              expect(pump(window, one.slot, one.trusted)).toEqual(twin.pump(one.slot, one.trusted))
              break
            case 'ack':
              expect(window.acknowledge(one.ack)?.bytes).toBe(twin.acknowledge(one.ack))
              break
            case 'lost':
              window.pathLost(one.slot)
              twin.lost(one.slot)
          }
          expect(window.keptBytes).toBe(twin.keptBytes)
          for (let slot = 0; slot < 4; slot++) expect(window.outstandingOn(slot)).toBe(twin.outstandingOn(slot))
        }
      }),
    )
  })
})

/** The same promises, with nothing clever. */
class SlowWindow {
  readonly #windowBytes: number
  readonly #frames: { cost: number; slots: Set<number>; wasSent: boolean; isAcked: boolean }[] = []

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  push(bytes: number): void {
    this.#frames.push({ cost: bytes + FRAME_COST_BYTES, slots: new Set(), wasSent: false, isAcked: false })
  }

  pump(slot: number, trusted: number): number[] {
    const seqs: number[] = []
    let bytes = 0
    for (const [seq, frame] of this.#frames.entries()) {
      if (frame.isAcked) continue
      bytes += frame.cost
      const isCarried = [...frame.slots].some((one) => one === slot || (trusted & (1 << one)) !== 0)
      if (isCarried) continue
      if (bytes > this.#windowBytes && bytes > frame.cost) break
      frame.slots.add(slot)
      frame.wasSent = true
      seqs.push(seq)
    }
    return seqs
  }

  acknowledge(ack: number): number | undefined {
    const sent = this.#frames.findLastIndex(({ wasSent }) => wasSent) + 1
    if (ack > sent) return undefined
    const newly = this.#frames.slice(0, ack).filter(({ isAcked }) => !isAcked)
    for (const frame of newly) {
      frame.isAcked = true
      frame.slots.clear()
    }
    return newly.reduce((sum, { cost }) => sum + cost, 0)
  }

  lost(slot: number): void {
    for (const { slots } of this.#frames) slots.delete(slot)
  }

  get keptBytes(): number {
    return this.#frames.filter(({ isAcked }) => !isAcked).reduce((sum, { cost }) => sum + cost, 0)
  }

  outstandingOn(slot: number): number {
    return this.#frames.filter(({ slots }) => slots.has(slot)).length
  }
}
