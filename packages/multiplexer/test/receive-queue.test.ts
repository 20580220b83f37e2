import { describe, expect, it } from '@jest/globals'
import { concatBytes, equalBytes } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { JOIN_BLOCK_BYTES_MAX, JOIN_BYTES } from '../src/limits.ts'
import { ReceiveQueue } from '../src/receive-queue.ts'

const SEED = Date.now()

describe(`ReceiveQueue, seed ${SEED}`, () => {
  it('gives back what its twin, one long array, gives back', () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: JOIN_BYTES - 1, max: JOIN_BYTES + 1 }),
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(size, fc.constant(0)), { maxLength: 100 }), (steps) => {
        const queue = new ReceiveQueue()
        let twin = new Uint8Array(0)
        let noise = 0
        const take = () => {
          const chunk = queue.take()
          expect(chunk === undefined).toBe(twin.byteLength === 0)
          if (!chunk) return
          expect(equalBytes(chunk, twin.subarray(0, chunk.byteLength))).toBe(true)
          twin = twin.slice(chunk.byteLength)
        }
        for (const length of steps) {
          if (length === 0) take()
          else {
            const bytes = new Uint8Array(length).fill(noise++)
            queue.push(bytes)
            twin = new Uint8Array(concatBytes(twin, bytes))
          }
          expect(queue.isEmpty).toBe(twin.byteLength === 0)
        }
        while (!queue.isEmpty) take()
        expect(twin.byteLength).toBe(0)
      }),
      { numRuns: 1000, seed: SEED },
    )
  })

  it('keeps long chunks as they came and joins short ones', () => {
    const queue = new ReceiveQueue()
    const long = new Uint8Array(JOIN_BYTES)
    const message = new Uint8Array(64 * 1024)
    queue.push(long)
    for (let count = 0; count < 100_000; count++) queue.push(message.subarray(count % 1000, (count % 1000) + 1))
    expect(queue.take()).toBe(long)
    let chunks = 0
    for (let chunk = queue.take(); chunk; chunk = queue.take()) {
      chunks++
      expect(chunk.buffer.byteLength).toBeLessThanOrEqual(JOIN_BLOCK_BYTES_MAX)
    }
    expect(chunks).toBeLessThan(15)
  })
})
