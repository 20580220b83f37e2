import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import fc from 'fast-check'
import { bucketCountFor, compareDigest, digestOf, SALT_BYTES } from '../src/digest.ts'
import { DIGEST_BUCKETS_MAX, TABLE_RECORDS_MAX } from '../src/limits.ts'
import { type FeedItem, PeerIndex } from '../src/peer-index.ts'
import { recordOf } from './documents.ts'
import { keyPairOf } from './tables.ts'

const keyPair = keyPairOf(1)
const NOW = 1_700_000_000_000

/** Key bytes and signature bytes are what a digest sees; who made them does not matter to it. */
function itemsOf(records: { key: number; signature: number; seq?: number; expiresMs?: number }[]): FeedItem[] {
  const index = new PeerIndex()
  for (const { key, signature, seq = 1, expiresMs = NOW + 1 } of records) {
    const publicKey = new Uint8Array(32).fill(key & 0xff, 0, 4).fill(key >>> 8, 4)
    const envelope = new Uint8Array(97).fill(signature, 32, 40)
    const record = { ...recordOf(keyPair, { seq }), id: `peer ${key}` as PeerId, expiresMs }
    index.put({ record, publicKey: publicKey as PublicKey, envelope, introducer: undefined, via: undefined, isNews: true })
  }
  return [...index.values()]
}
const salt = (byte: number) => new Uint8Array(SALT_BYTES).fill(byte)
const scope = (items: FeedItem[]) => ({ items, nowMs: NOW })

describe('a digest', () => {
  it('has about one bucket for eight records, two for one in a small table, and always a power of two', () => {
    expect([0, 1, 3, 15, 16, 100, 1000, TABLE_RECORDS_MAX, 100_000].map(bucketCountFor)).toEqual([
      2,
      2,
      8,
      32,
      2,
      16,
      128,
      DIGEST_BUCKETS_MAX,
      DIGEST_BUCKETS_MAX,
    ])
  })

  it('tells of every record that differs, and of no bucket that does not, whatever the salt', () => {
    const seed = Date.now() & 0x7fff_ffff
    const record = fc.record({ key: fc.nat({ max: 60_000 }), signature: fc.nat({ max: 255 }) })
    fc.assert(
      fc.property(
        fc.uniqueArray(record, { selector: ({ key }) => key, maxLength: 60 }),
        fc.array(fc.nat({ max: 59 }), { maxLength: 5 }),
        fc.constantFrom(1, 4, 16),
        fc.nat({ max: 255 }),
        (records, changed, bucketCount, salted) => {
          const theirs = itemsOf(records)
          const ours = itemsOf(
            records.map((one, at) => (changed.includes(at) ? { ...one, signature: (one.signature + 1) % 256 } : one)),
          )
          const digest = digestOf(scope(theirs), salt(salted), bucketCount)
          const isLacked = compareDigest(digest, scope(ours))
          const lacked = ours.map(isLacked)
          for (const at of changed) if (at < records.length) expect(lacked[at]).toBe(true)
          if (!changed.some((at) => at < records.length)) expect(lacked).not.toContain(true)
        },
      ),
      { numRuns: 1000, seed },
    )
  })

  it('leaves alone what lies in other buckets', () => {
    const records = Array.from({ length: 128 }, (_, key) => ({ key: key * 7 + 1, signature: 1 }))
    const digest = digestOf(scope(itemsOf(records.slice(1))), salt(3), 16)
    const lacked = itemsOf(records).map(compareDigest(digest, scope(itemsOf(records))))
    expect(lacked[0]).toBe(true)
    expect(lacked.filter(Boolean).length).toBeLessThan(30)
  })

  it('counts two bodies of one seq as two, and not what expired', () => {
    const one = { key: 1, signature: 1 }
    const differs = (ours: Parameters<typeof itemsOf>[0], theirs: Parameters<typeof itemsOf>[0]) =>
      compareDigest(digestOf(scope(itemsOf(theirs)), salt(9), 1), scope(itemsOf(ours)))(itemsOf([one])[0] as FeedItem)
    expect(differs([one], [{ ...one, signature: 2 }])).toBe(true)
    expect(differs([one], [{ ...one, seq: 2 }])).toBe(true)
    expect(differs([one], [one, { key: 2, signature: 2, expiresMs: NOW }])).toBe(false)
    expect(differs([one], [one, { key: 2, signature: 2 }])).toBe(true)
  })

  it('is another one with another salt, so that nobody can prepare records that cancel out', () => {
    const items = itemsOf([{ key: 1, signature: 1 }])
    const sums = Array.from({ length: 100 }, (_, byte) => digestOf(scope(items), salt(byte), 1).sums[0])
    expect(new Set(sums).size).toBe(100)
  })
})
