import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CLOSE_CODES } from '../src/close-codes.ts'
import { ProtocolViolation } from '../src/errors.ts'
import { FRAME_COST_BYTES } from '../src/limits.ts'
import { type Item, isClose, ReceiveOrder } from '../src/receive-order.ts'
import { fuzz } from './fuzz.ts'

function handOn(order: ReceiveOrder, seq: number, item: Item): Item[] {
  const items: Item[] = []
  if (order.add(seq, item) === 'next') {
    items.push(item)
    for (let next = order.take(); next; next = order.take()) items.push(next)
  }
  return items
}

function violation(act: () => void): number | undefined {
  try {
    act()
  } catch (error) {
    return error instanceof ProtocolViolation ? error.closeCode : undefined
  }
  return undefined
}

describe('the receive order', () => {
  it('hands everything on once and in order, however it comes', () => {
    const arrivals = fc.integer({ min: 1, max: 30 }).chain((count) => {
      const all = Array.from({ length: count }, (_, seq) => seq)
      const again = fc.array(fc.nat({ max: count - 1 }), { maxLength: 20 })
      return again.chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: count + more.length }))
    })
    fuzz(
      fc.property(arrivals, (seqs) => {
        const order = new ReceiveOrder({ keptBytesMax: 1e6 })
        const handed = seqs.flatMap((seq) => handOn(order, seq, Uint8Array.of(seq)))
        expect(handed.map((item) => (isClose(item) ? -1 : item[0]))).toEqual(
          Array.from({ length: new Set(seqs).size }, (_, seq) => seq),
        )
        expect(order.keptBytes).toBe(0)
      }),
    )
  })

  it('keeps up to its bound, and not a byte more', () => {
    const keptBytesMax = 1000
    const full = () => {
      const order = new ReceiveOrder({ keptBytesMax })
      order.add(1, new Uint8Array(keptBytesMax / 2 - FRAME_COST_BYTES))
      return order
    }
    expect(full().add(2, new Uint8Array(keptBytesMax / 2 - FRAME_COST_BYTES))).toBe('kept')
    expect(violation(() => full().add(2, new Uint8Array(keptBytesMax / 2 - FRAME_COST_BYTES + 1)))).toBe(
      CLOSE_CODES.windowExceeded,
    )
  })

  it('takes no number further ahead than empty messages could fill the window', () => {
    const order = new ReceiveOrder({ keptBytesMax: 10 * FRAME_COST_BYTES })
    expect(order.add(10, new Uint8Array(0))).toBe('kept')
    expect(violation(() => order.add(11, new Uint8Array(0)))).toBe(CLOSE_CODES.windowExceeded)
    expect(violation(() => order.add(Number.MAX_SAFE_INTEGER, new Uint8Array(0)))).toBe(CLOSE_CODES.windowExceeded)
  })

  it('hands on the end after all before it, and takes nothing behind it', () => {
    const order = new ReceiveOrder({ keptBytesMax: 1000 })
    expect(order.add(1, { code: 5 })).toBe('kept')
    expect(violation(() => order.add(2, new Uint8Array(0)))).toBe(CLOSE_CODES.afterClose)
    expect(violation(() => order.add(0, { code: 5 }))).toBe(CLOSE_CODES.afterClose)
    expect(order.add(1, { code: 5 })).toBe('had')
    const first = Uint8Array.of(1)
    expect(handOn(order, 0, first)).toEqual([first, { code: 5 }])
  })

  it('refuses an end before what was sent already', () => {
    const order = new ReceiveOrder({ keptBytesMax: 1000 })
    order.add(3, new Uint8Array(0))
    expect(violation(() => order.add(2, { code: 0 }))).toBe(CLOSE_CODES.afterClose)
  })
})
