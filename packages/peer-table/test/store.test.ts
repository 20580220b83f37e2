import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createSeededRandom, createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { ANCESTRY_BRIDGE_MAX, REWRITE_INTERVAL_MS, STALE_DOCUMENTS_MAX, TABLE_RECORDS_MAX } from '../src/limits.ts'
import { type Entry, PeerIndex } from '../src/peer-index.ts'
import type { PouchDatabase, PouchModule } from '../src/pouchdb.ts'
import * as pouch from '../src/pouchdb-node.ts'
import { revisionOf } from '../src/revision.ts'
import { openStore, type Store } from '../src/store.ts'
import { recordOf } from './documents.ts'
import { keyPairOf } from './tables.ts'

const keyPair = keyPairOf(1)
const author = (number: number) => ({ id: `rs1author${number}` as PeerId, key: Uint8Array.from({ length: 32 }, () => number) })
let names = 0
let runtime: TestRuntime
let index: PeerIndex
let store: Store

function open(module: PouchModule = pouch): Store {
  return openStore({ pouch: module, name: `store-${process.pid}-${names++}`, runtime, entries: () => index.values() })
}
function put(number: number, seq: number): Entry {
  const { id, key } = author(number)
  const envelope = new TextEncoder().encode(`${number} ${seq}`)
  return index.put({
    record: { ...recordOf(keyPair, { seq }), id },
    publicKey: key as never,
    envelope,
    introducer: undefined,
    via: undefined,
    isNews: true,
  })
}
const leavesOf = async (number: number, db = store.db): Promise<string[]> => {
  const leaves = (await db.get(`peer:${author(number).id}`, { open_revs: 'all' })) as unknown as { ok?: { _rev: string } }[]
  return leaves.map((leaf) => leaf.ok?._rev ?? 'missing')
}

beforeEach(() => {
  runtime = createTestRuntime()
  index = new PeerIndex()
  store = open()
})
afterEach(() => store.close())

describe('the store', () => {
  it('keeps one leaf a document over 200 random walks with gaps of every size', async () => {
    const seed = Date.now() & 0xffff_ffff
    const random = createSeededRandom(seed)
    for (let walk = 0; walk < 200; walk++) {
      let seq = 0
      for (let step = 0; step < 5; step++) {
        seq += 1 + Math.floor(random.fraction() ** 3 * ANCESTRY_BRIDGE_MAX)
        await store.write([put(walk, seq)])
      }
      expect({ seed, leaves: await leavesOf(walk) }).toEqual({ seed, leaves: [revisionOf(author(walk).key, seq)] })
    }
  })

  for (const [what, from, to] of [
    ['leaps further than can be bridged', 5, 6 + ANCESTRY_BRIDGE_MAX],
    ['begins anew below what is there', 50, 1],
  ] as const) {
    it(`writes the database anew when a record ${what}`, async () => {
      const before = store.db
      await store.write([put(1, from), put(2, 7)])
      await store.write([put(1, to)])
      expect(await leavesOf(1)).toEqual([revisionOf(author(1).key, from)])
      await store.tidy()
      expect(store.db).not.toBe(before)
      expect(await leavesOf(1)).toEqual([revisionOf(author(1).key, to)])
      expect(await leavesOf(2)).toEqual([revisionOf(author(2).key, 7)])
    })
  }

  it('is written anew at most once in its interval, and only for a reason', async () => {
    const first = store.db
    await store.tidy()
    expect(store.db).toBe(first)
    await store.write([put(1, 1000)])
    await store.write([put(1, 1)])
    await store.tidy()
    const second = store.db
    await store.write([put(1, 1000)])
    await store.tidy()
    expect(store.db).toBe(second)
    await runtime.clock.advance(REWRITE_INTERVAL_MS)
    await store.tidy()
    expect(store.db).not.toBe(second)
    expect(await leavesOf(1)).toEqual([revisionOf(author(1).key, 1000)])
  })

  it('drops the documents of forgotten peers when they are too many', async () => {
    const entries = Array.from({ length: TABLE_RECORDS_MAX + STALE_DOCUMENTS_MAX }, (_, number) => put(number, 1))
    for (const entry of entries.slice(1)) index.remove(entry.record.id)
    await store.write(entries)
    await store.tidy()
    expect((await store.db.info()).doc_count).toBe(entries.length)
    await store.write([put(-1, 1)])
    await store.tidy()
    expect((await store.db.info()).doc_count).toBe(2)
  })

  it('says so once when it cannot write, and mends itself from memory', async () => {
    const failing = new Error('QuotaExceededError')
    const real = store.db
    store.db.bulkDocs = () => Promise.reject(failing)
    await store.write([put(1, 1)])
    expect(runtime.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1)
    await store.tidy()
    expect(store.db).not.toBe(real)
    expect(await leavesOf(1)).toEqual([revisionOf(author(1).key, 1)])
  })

  it('hands over what an earlier life left, and bridges from there', async () => {
    // IndexedDB lasts; a memory database that is only closed does too, while the process lives.
    const name = `lasting-${process.pid}`
    const lasting: PouchModule = {
      PouchDB: class extends (pouch.PouchDB as never as new (...rest: unknown[]) => PouchDatabase) {
        constructor(_: string, options: object) {
          super(name, { ...options, adapter: 'memory' })
        }
      } as never,
      adapter: 'idb',
    }
    const before = open(lasting)
    await before.write([put(1, 5), put(2, 6)])
    await before.close()
    index = new PeerIndex()
    const after = open(lasting)
    let loaded: readonly unknown[] = []
    await after.load(async (documents) => {
      loaded = documents
      return [put(1, 5)]
    })
    expect(loaded).toMatchObject([1, 2].map((number) => ({ _id: `peer:${author(number).id}` })))
    await after.write([put(1, 5 + 100)])
    expect(await leavesOf(1, after.db)).toEqual([revisionOf(author(1).key, 105)])
    // The other one was not admitted, so it goes.
    await after.tidy()
    expect((await after.db.info()).doc_count).toBe(1)
    await after.db.destroy()
  })
})
