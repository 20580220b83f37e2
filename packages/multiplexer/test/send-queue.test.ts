import { describe, expect, it } from '@jest/globals'
import { concatBytes } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { SendQueue } from '../src/send-queue.ts'

const SEED = Date.now()

describe(`SendQueue, seed ${SEED}`, () => {
  it('gives back what its twin, one long array, gives back', () => {
    const step = fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: 20 }), own: fc.boolean() }),
      fc.record({ take: fc.nat({ max: 60 }) }),
      fc.constant({ clear: true as const }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new SendQueue()
        let twin = new Uint8Array(0)
        for (const one of steps) {
          if ('clear' in one) {
            if (steps.length % 7 !== 0) continue
            queue.clear()
            twin = new Uint8Array(0)
          } else if ('push' in one) {
            queue.push(one.push)
            twin = new Uint8Array(concatBytes(twin, one.push))
            if (one.own) {
              queue.ownLast()
              one.push.fill(0xee)
            }
          } else {
            const count = Math.min(one.take, queue.bytes)
            const target = new Uint8Array(count + 2)
            expect(queue.moveTo(target, 1, count)).toBe(count + 1)
            expect(target.subarray(1, count + 1)).toEqual(twin.subarray(0, count))
            twin = twin.slice(count)
          }
          expect(queue.bytes).toBe(twin.byteLength)
        }
      }),
      { numRuns: 1000, seed: SEED },
    )
  })

  it('forgets what it has given, however long it runs', () => {
    const queue = new SendQueue()
    const target = new Uint8Array(10)
    queue.push(new Uint8Array(5))
    for (let turn = 0; turn < 10_000; turn++) {
      queue.push(new Uint8Array(10))
      queue.moveTo(target, 0, 10)
    }
    expect(queue.bytes).toBe(5)
  })
})
