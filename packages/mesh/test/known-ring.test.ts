import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createKnownRing } from '../src/known-ring.ts'
import { KNOWN_MAX } from '../src/limits.ts'

const named = (index: number) => `rs1${String(index).padStart(6, '0')}` as PeerId

describe('the ring of those known', () => {
  it('goes on from the last to the first, and leaves the asker out', () => {
    const ring = createKnownRing()
    for (const index of [5, 1, 3]) expect(ring.add(named(index))).toBe(true)
    expect(ring.add(named(3))).toBe(false)
    expect(ring.after(named(3), 5)).toEqual([named(5), named(1)])
    expect(ring.after(named(4), 2)).toEqual([named(5), named(1)])
    expect(ring.after(named(9), 1)).toEqual([named(1)])
    expect(ring.delete(named(1))).toBe(true)
    expect(ring.delete(named(1))).toBe(false)
    expect([ring.size, ring.at(0), ring.has(named(1)), ring.has(named(5))]).toEqual([2, named(3), false, true])
  })

  it('takes as many as the table holds and not one more', () => {
    const ring = createKnownRing()
    for (let index = 0; index < KNOWN_MAX; index++) ring.add(named(index))
    expect(ring.add(named(KNOWN_MAX))).toBe(false)
    expect(ring.size).toBe(KNOWN_MAX)
  })
})
