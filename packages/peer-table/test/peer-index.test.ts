import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import fc from 'fast-check'
import { type Entry, PeerIndex } from '../src/peer-index.ts'
import { LIFETIME_MS, recordOf } from './documents.ts'
import { keyPairOf } from './tables.ts'

const keyPair = keyPairOf(1)
const entryOf = (id: string, change: Partial<Entry> & { createdMs?: number; left?: boolean } = {}): Entry => ({
  record: { ...recordOf(keyPair, { createdMs: change.createdMs ?? 1000, left: change.left ?? false }), id: id as PeerId },
  publicKey: keyPair.publicKey,
  envelope: new Uint8Array(),
  introducer: change.introducer,
  via: undefined,
  isNews: true,
})

/** The feed as it is meant: one place per peer, in the order of the last change. */
class SlowFeed {
  places: { id: string; feedSeq: number }[] = []
  feedSeq = 0

  put(id: string): void {
    this.remove(id)
    this.places.push({ id, feedSeq: ++this.feedSeq })
  }

  remove(id: string): void {
    this.places = this.places.filter((place) => place.id !== id)
  }

  after(feedSeq: number) {
    return this.places.find((place) => place.feedSeq > feedSeq)
  }
}

describe('the index', () => {
  it('has the same feed as its slow twin, whatever is put and removed', () => {
    const seed = Date.now() & 0x7fff_ffff
    const step = fc.record({ id: fc.constantFrom(...'abcdefgh'), isRemoved: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const index = new PeerIndex()
        const slow = new SlowFeed()
        for (const { id, isRemoved } of steps) {
          if (isRemoved) index.remove(id as PeerId)
          else index.put(entryOf(id))
          if (isRemoved) slow.remove(id)
          else slow.put(id)
        }
        for (let place = 0; place <= slow.feedSeq; place++) {
          const item = index.after(place)
          expect(item && { id: item.record.id, feedSeq: item.feedSeq }).toEqual(slow.after(place))
        }
        expect(index.size).toBe(slow.places.length)
        expect(index.feedSeq).toBe(slow.feedSeq)
      }),
      { numRuns: 1000, seed },
    )
  })

  it('finds one that ended among those of an introducer just when a search through all of them does', () => {
    const seed = Date.now() & 0x7fff_ffff
    const [bob, own] = ['bob', 'own'] as [PeerId, PeerId]
    const step = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', own),
      does: fc.constantFrom('put', 'leave', 'remove', 'wait'),
      atMs: fc.nat({ max: 3000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new PeerIndex()
        let nowMs = LIFETIME_MS
        for (const { id, does, atMs } of steps) {
          if (does === 'remove') index.remove(id as PeerId)
          else if (does === 'wait') nowMs += atMs
          else index.put(entryOf(id, { introducer: bob, createdMs: nowMs - LIFETIME_MS + atMs, left: does === 'leave' }))
          const ended = [...index.introducedBy(bob)].filter((one) => {
            const record = index.get(one)?.record
            return one !== own && record && (record.left || record.expiresMs <= nowMs)
          })
          const found = index.findEndedOf(bob, own, nowMs)
          if (ended.length === 0) expect(found).toBeUndefined()
          else expect(ended).toContain(found)
        }
      }),
      { numRuns: 1000, seed },
    )
  })

  it('counts what each introduced, the first of them, and not itself', () => {
    const index = new PeerIndex()
    const [bob, carol] = ['bob', 'carol'] as PeerId[] as [PeerId, PeerId]
    index.put(entryOf('a', { introducer: bob }))
    index.put(entryOf('a', { introducer: carol }))
    index.put(entryOf('b', { introducer: bob }))
    index.put(entryOf('bob', { introducer: bob }))
    expect([bob, carol].map((peer) => [...index.introducedBy(peer)])).toEqual([['a', 'b'], []])
    index.remove('a' as PeerId)
    index.remove('a' as PeerId)
    expect([...index.introducedBy(bob)]).toEqual(['b'])
  })

  it('lists who stands, anew only after a change, an end, or a clock that went back', () => {
    const index = new PeerIndex()
    const endMs = 1000 + LIFETIME_MS
    index.put(entryOf('a'))
    index.put(entryOf('b', { createdMs: 2000 }))
    const both = index.standing(1000)
    expect(both.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(index.standing(endMs - 1)).toBe(both)
    expect(index.standing(endMs).map(({ id }) => id)).toEqual(['b'])
    expect(index.standing(1000)).toEqual(both)
    index.put(entryOf('c'))
    expect(index.standing(1000)).toHaveLength(3)
    index.remove('a' as PeerId)
    expect(index.standing(1000)).toHaveLength(2)
  })

  it('tells of changes until told to stop, and forgets marks with their records', () => {
    const index = new PeerIndex()
    let told = 0
    const stop = index.onChange(() => told++)
    index.markForked('a' as PeerId)
    index.put(entryOf('a'))
    index.markForked('a' as PeerId)
    expect([...index.forked]).toEqual(['a'])
    index.remove('a' as PeerId)
    expect([...index.forked]).toEqual([])
    stop()
    index.put(entryOf('b'))
    expect(told).toBe(1)
  })
})
