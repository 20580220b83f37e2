import { describe, expect, it } from '@jest/globals'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { CLEAR, changeShape, LANE_PACKETS_MAX, Lane, type LineShape } from '../src/lane.ts'

const SEED = 7

function createLane(shape: Partial<LineShape>) {
  const left: number[] = []
  const { fraction } = createSeededRandom(SEED)
  const lane = new Lane({ fraction, emit: ([number = -1]) => void left.push(number) })
  lane.shape = { ...CLEAR, ...shape }
  return { lane, left }
}

const packet = (number: number) => Uint8Array.of(number)

describe('a lane', () => {
  it('without delay hands a packet on at once, and keeps nothing', () => {
    const { lane, left } = createLane({})
    lane.take(packet(1), 0)
    expect(left).toEqual([1])
    expect(lane.dueMs).toBeUndefined()
  })

  it('holds each packet for the delay, to the moment', () => {
    const { lane, left } = createLane({ delayMs: 25 })
    lane.take(packet(1), 100)
    lane.take(packet(2), 110)
    expect(lane.dueMs).toBe(125)
    lane.release(124.9)
    expect(left).toEqual([])
    lane.release(125)
    expect(left).toEqual([1])
    expect(lane.dueMs).toBe(135)
    lane.release(500)
    expect(left).toEqual([1, 2])
    expect(lane.dueMs).toBeUndefined()
  })

  it('owns what waits: the buffer it came in may be used again', () => {
    const { lane, left } = createLane({ delayMs: 1 })
    const buffer = packet(1)
    lane.take(buffer, 0)
    buffer[0] = 99
    lane.release(1)
    expect(left).toEqual([1])
  })

  it('keeps the order when its delay shrinks or varies', () => {
    const { lane, left } = createLane({ delayMs: 50, jitter: 1 })
    const sent = Array.from({ length: 100 }, (_, number) => number)
    for (const number of sent) lane.take(packet(number), number)
    lane.shape = CLEAR
    lane.take(packet(100), 100)
    lane.release(1_000)
    expect(left).toEqual([...sent, 100])
  })

  it('varies the delay by the part that it is told, and no more', () => {
    const { lane } = createLane({ delayMs: 100, jitter: 0.3 })
    const heldMs = Array.from({ length: 500 }, (_, round) => {
      const nowMs = round * 1_000
      lane.take(packet(0), nowMs)
      const dueMs = lane.dueMs ?? 0
      lane.release(dueMs)
      return dueMs - nowMs
    })
    expect(Math.min(...heldMs)).toBeGreaterThanOrEqual(70)
    expect(Math.min(...heldMs)).toBeLessThan(73)
    expect(Math.max(...heldMs)).toBeLessThanOrEqual(130)
    expect(Math.max(...heldMs)).toBeGreaterThan(127)
  })

  it('loses the part that it is told', () => {
    const { lane, left } = createLane({ loss: 0.1 })
    for (let number = 0; number < 5_000; number++) lane.take(packet(0), 0)
    expect(left.length).toBeGreaterThan(4_350)
    expect(left.length).toBeLessThan(4_650)
    expect(lane.counters).toMatchObject({ taken: 5_000, lost: 5_000 - left.length })
  })

  it('lets the part overtake that it is told', () => {
    const { lane, left } = createLane({ delayMs: 10, reorder: 0.5 })
    for (let number = 0; number < 100; number++) lane.take(packet(number), 0)
    const { overtook } = lane.counters
    expect(left).toHaveLength(overtook)
    expect(overtook).toBeGreaterThan(30)
    lane.release(10)
    expect(left).toHaveLength(100)
  })

  it(`holds ${LANE_PACKETS_MAX} packets and loses the next, as a full router does`, () => {
    const { lane, left } = createLane({ delayMs: 10 })
    for (let count = 0; count < LANE_PACKETS_MAX; count++) lane.take(packet(1), 0)
    expect(lane.counters.overflowed).toBe(0)
    lane.take(packet(2), 0)
    expect(lane.counters.overflowed).toBe(1)
    lane.release(10)
    expect(left).toHaveLength(LANE_PACKETS_MAX)
    expect(left).not.toContain(2)
    lane.take(packet(3), 10)
    expect(lane.dueMs).toBe(20)
  })
})

describe('a shape', () => {
  it('keeps what is not changed', () => {
    expect(changeShape({ ...CLEAR, delayMs: 5, loss: 0.5 }, { delayMs: 6 })).toEqual({ ...CLEAR, delayMs: 6, loss: 0.5 })
  })

  it.each([
    [{ delayMs: -1 }],
    [{ delayMs: 10_001 }],
    [{ loss: 1.1 }],
    [{ jitter: '0.3' }],
    [{ reorder: Number.NaN }],
    [{ speed: 1 }],
  ])('makes no sense as %j', (change) => {
    expect(() => changeShape(CLEAR, change)).toThrow(RangeError)
  })

  it('may be at its limits', () => {
    expect(changeShape(CLEAR, { delayMs: 10_000, loss: 1, jitter: 1, reorder: 1 }).delayMs).toBe(10_000)
  })
})
