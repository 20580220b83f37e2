import { afterAll, describe, expect, it } from '@jest/globals'
import { decodeHex, encodeHex } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { ANCESTRY_BRIDGE_MAX, ANCESTRY_LENGTH, SEQ_MAX } from '../src/limits.ts'
import type { PouchDatabase } from '../src/pouchdb.ts'
import { adapter, PouchDB } from '../src/pouchdb-node.ts'
import { ancestryOf, canBridge, revisionOf } from '../src/revision.ts'

const KEY = decodeHex('3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29')
const DATABASES = 6
const AUTHORS = 10
const SCHEDULES = 220
const firstSeed = Date.now() & 0xffff_ffff

describe('the computed revision', () => {
  it('is the seq and half a SHA-256 of key ‖ seq', async () => {
    for (const seq of [1, 258, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, SEQ_MAX]) {
      const eight = new Uint8Array(8)
      new DataView(eight.buffer).setBigUint64(0, BigInt(seq))
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from([...KEY, ...eight])))
      expect(revisionOf(KEY, seq)).toBe(`${seq}-${encodeHex(hash.subarray(0, 16))}`)
    }
  })

  it('has an ancestry that ends at 1, at its fixed length, or at what is stored', () => {
    expect(ancestryOf(KEY, 3)).toEqual({ start: 3, ids: [3, 2, 1].map((seq) => revisionOf(KEY, seq).slice(2)) })
    expect(ancestryOf(KEY, 1000).ids).toHaveLength(ANCESTRY_LENGTH)
    expect(ancestryOf(KEY, 1000, 999).ids).toHaveLength(ANCESTRY_LENGTH)
    expect(ancestryOf(KEY, 1000, 900).ids).toHaveLength(101)
    expect(ancestryOf(KEY, SEQ_MAX).start).toBe(SEQ_MAX)
  })

  it('bridges a gap of the maximum and not one more', () => {
    expect(canBridge(ANCESTRY_BRIDGE_MAX + 7, 7)).toBe(true)
    expect(canBridge(ANCESTRY_BRIDGE_MAX + 8, 7)).toBe(false)
  })
})

describe(`PouchDB's own merge, with computed ancestries (first seed ${firstSeed})`, () => {
  const databases = Array.from({ length: DATABASES }, (_, number) => open(`merge-${number}`))
  afterAll(() => Promise.all(databases.map((db) => db.destroy())))

  it(`leaves one leaf a document and the same winners after each of ${SCHEDULES} lossy schedules with gaps`, async () => {
    for (let schedule = 0; schedule < SCHEDULES; schedule++) {
      const seed = firstSeed + schedule
      const random = createSeededRandom(seed)
      const pick = (count: number): number => Math.floor(random.fraction() * count)
      const authors = Array.from({ length: AUTHORS }, () => ({ key: random.bytes(32), seq: 0 }))
      const leaves = databases.map(() => new Map<number, number>())
      const write = async (at: number, news: readonly { author: number; seq: number }[]): Promise<void> => {
        const known = leaves[at] as Map<number, number>
        const docs = news
          .filter(({ author, seq }) => seq > (known.get(author) ?? 0))
          .map(({ author, seq }) => {
            const { key } = authors[author] as (typeof authors)[number]
            const stored = known.get(author)
            known.set(author, seq)
            return { _id: `peer:${encodeHex(key)}`, _rev: revisionOf(key, seq), _revisions: ancestryOf(key, seq, stored), seq }
          })
        expect(await (databases[at] as PouchDatabase).bulkDocs({ docs, new_edits: false })).toEqual([])
      }
      const pull = (from: number, to: number, lossRate: number): Promise<void> =>
        write(
          to,
          [...(leaves[from] as Map<number, number>)]
            .map(([author, seq]) => ({ author, seq }))
            .filter(() => random.fraction() >= lossRate),
        )

      for (let step = 0; step < 24; step++) {
        if (random.fraction() < 0.5) {
          const author = pick(AUTHORS)
          const state = authors[author] as (typeof authors)[number]
          state.seq += random.fraction() < 0.8 ? 1 : 1 + pick(60)
          await write(author % DATABASES, [{ author, seq: state.seq }])
        } else await pull(pick(DATABASES), pick(DATABASES), 0.4)
      }
      for (let round = 0; round < 2; round++) for (let to = 0; to < DATABASES; to++) await pull((to + 5) % DATABASES, to, 0)
      for (let from = 0; from < DATABASES; from++) for (let to = 0; to < DATABASES; to++) await pull(from, to, 0)

      for (const { key, seq } of authors) {
        if (seq === 0) continue
        const found = await Promise.all(databases.map((db) => db.get(`peer:${encodeHex(key)}`, { open_revs: 'all' })))
        // One leaf, the same one, everywhere: the author's newest.
        expect({
          seed,
          found: found.map((leavesFound) => (leavesFound as unknown as { ok: { _rev: string } }[]).map(({ ok }) => ok._rev)),
        }).toEqual({
          seed,
          found: databases.map(() => [revisionOf(key, seq)]),
        })
      }
    }
  }, 120_000)

  it('joins stretches in whatever order they come, as long as they overlap', async () => {
    const db = databases[0] as PouchDatabase
    for (let schedule = 0; schedule < 50; schedule++) {
      const random = createSeededRandom(firstSeed ^ schedule)
      const key = crypto.getRandomValues(new Uint8Array(32))
      const order = Array.from({ length: ANCESTRY_LENGTH }, (_, index) => index + 1).sort(() => random.fraction() - 0.5)
      for (const seq of order) {
        const document = { _id: `peer:${encodeHex(key)}`, _rev: revisionOf(key, seq), _revisions: ancestryOf(key, seq) }
        await db.bulkDocs({ docs: [document], new_edits: false })
      }
      const leaves = (await db.get(`peer:${encodeHex(key)}`, { open_revs: 'all' })) as unknown as { ok: { _rev: string } }[]
      expect({ order, leaves: leaves.map(({ ok }) => ok._rev) }).toEqual({ order, leaves: [revisionOf(key, ANCESTRY_LENGTH)] })
    }
  })
})

function open(name: string): PouchDatabase {
  return new PouchDB(`${name}-${encodeHex(crypto.getRandomValues(new Uint8Array(8)))}`, {
    adapter,
    revs_limit: ANCESTRY_LENGTH,
    auto_compaction: true,
  })
}
