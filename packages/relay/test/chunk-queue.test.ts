import { describe, expect, it } from '@jest/globals'
import { concatBytes } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { ChunkQueue } from '../src/chunk-queue.ts'
import { FORWARD_BYTES_MAX, JOIN_BYTES } from '../src/limits.ts'

const numbered = (byteCount: number, first = 0) => Uint8Array.from({ length: byteCount }, (_, index) => (first + index) & 0xff)

describe('ChunkQueue', () => {
  it('hands a long chunk on as it came, and one that is too long in pieces', () => {
    const queue = new ChunkQueue()
    const chunk = numbered(FORWARD_BYTES_MAX)
    queue.push(chunk)
    const taken = queue.take()
    expect(taken?.buffer).toBe(chunk.buffer)
    expect(taken?.byteLength).toBe(FORWARD_BYTES_MAX)
    queue.push(numbered(FORWARD_BYTES_MAX + 1))
    expect(queue.take()?.byteLength).toBe(FORWARD_BYTES_MAX)
    expect(queue.take()?.byteLength).toBe(1)
    expect(queue.take()).toBeUndefined()
  })

  it('keeps little more memory than its bytes however small the chunks are', () => {
    const queue = new ChunkQueue()
    const whole = new Uint8Array(FORWARD_BYTES_MAX)
    for (let index = 0; index < 100_000; index++) queue.push(whole.subarray(index % 1000, (index % 1000) + 1))
    const buffers = new Set<ArrayBufferLike>()
    for (let chunk = queue.take(); chunk; chunk = queue.take()) buffers.add(chunk.buffer)
    expect(buffers.has(whole.buffer)).toBe(false)
    expect([...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)).toBeLessThan(100_000 + 2 * FORWARD_BYTES_MAX)
  })

  it('gives the bytes in order, whatever is pushed, taken and put back, and counts them', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(JOIN_BYTES - 1, JOIN_BYTES, FORWARD_BYTES_MAX, 40_000))
    const step = fc.oneof(
      size.map((push) => ({ push })),
      fc.double({ min: 0, max: 1, noNaN: true }).map((use) => ({ use })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ChunkQueue()
        const out: Uint8Array[] = []
        let pushed = 0
        for (const one of steps) {
          if ('push' in one) {
            queue.push(numbered(one.push, pushed))
            pushed += one.push
          } else {
            const taken = queue.take()
            if (!taken) continue
            expect(taken.byteLength).toBeLessThanOrEqual(FORWARD_BYTES_MAX)
            const used = Math.floor(taken.byteLength * one.use)
            out.push(taken.slice(0, used))
            if (used < taken.byteLength) queue.putBack(taken.subarray(used))
          }
          expect(queue.bytes).toBe(pushed - out.reduce((sum, { byteLength }) => sum + byteLength, 0))
          expect(queue.isEmpty).toBe(queue.bytes === 0)
        }
        for (let chunk = queue.take(); chunk; chunk = queue.take()) out.push(chunk)
        expect(Buffer.compare(concatBytes(...out), numbered(pushed))).toBe(0)
      }),
      { numRuns: 500 },
    )
  })
})
