import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createTestRuntime, settle, type TestRuntime } from '@resilient-swarm/testkit'
import type { Refusal } from '../src/admission.ts'
import { FEED_CHANGES_MAX, INTRODUCED_RECORDS_MAX, TABLE_RECORDS_MAX } from '../src/limits.ts'
import { connectMallory, type MadeRecord, makeRecord } from './mallory.ts'
import { print } from './print.ts'
import { keyPairOf, type OpenTable, openTable } from './tables.ts'

const KEYS = Number(process.env.FLOOD ?? 100_000)
const HEAP_GROWTH_MAX = 32 * 1024 * 1024
const mallory = keyPairOf(666).peerId
const START_MS = 1_700_000_000_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
async function heapBytes(): Promise<number> {
  for (let time = 0; time < 3; time++) {
    collectGarbage()
    await settle()
  }
  return process.memoryUsage().heapUsed
}

let runtime: TestRuntime
let alice: OpenTable
/** Peers that live: some that told of themselves, most by the word of a few honest neighbours. */
let live: MadeRecord[]

beforeEach(async () => {
  runtime = createTestRuntime({ startMs: START_MS })
  alice = await openTable(1, runtime)
  live = []
  const carriers = Array.from({ length: 6 }, () => makeRecord(START_MS))
  for (const carrier of carriers) {
    const told = Array.from({ length: 50 }, () => makeRecord(START_MS))
    expect(await admit([carrier, ...told], carrier.id)).toEqual([])
    live.push(carrier, ...told)
  }
})
afterEach(async () => {
  alice.table.destroy()
  await alice.table.close()
})

/** Why they were refused, each reason once. */
async function admit(records: readonly MadeRecord[], introducer: PeerId): Promise<(Refusal | undefined)[]> {
  let verdicts: readonly { refusal?: Refusal }[] | undefined
  void alice.table
    .admit(
      records.map(({ document }) => document),
      { introducer },
    )
    .then((result) => {
      verdicts = result
    })
  while (!verdicts) await runtime.clock.advance(5)
  return [...new Set(verdicts.map(({ refusal }) => refusal).filter(Boolean))]
}

function expectAlive(): void {
  const here = live.filter(({ id, key }) => key && alice.table.get(id)?.seq)
  expect(here).toHaveLength(live.length)
}
const introduced = () => {
  const known = new Set([alice.table.own.id, ...live.map(({ id }) => id)])
  return alice.table.records.filter(({ id }) => !known.has(id)).length
}

describe('a flood', () => {
  it(`of ${KEYS} valid records by one peer fills its quota of ${INTRODUCED_RECORDS_MAX} and nothing else`, async () => {
    const peer = connectMallory(alice, mallory)
    peer.tellInfo()
    const before = await heapBytes()
    const startMs = performance.now()
    for (let made = 0; made < KEYS; ) {
      for (; made < KEYS && peer.feedSeq - peer.doneSeq < FEED_CHANGES_MAX / 2; made++) peer.tell(makeRecord(START_MS))
      await runtime.clock.advance(5)
    }
    for (let round = 0; peer.doneSeq < peer.feedSeq && round < 5000; round++) await runtime.clock.advance(5)
    const growth = (await heapBytes()) - before
    print(
      `flood: ${KEYS} records in ${Math.round(performance.now() - startMs)} ms, heap grew by ${(growth / 2 ** 20).toFixed(1)} MiB`,
    )
    expect(peer.end).toBeUndefined()
    expect(peer.doneSeq).toBe(peer.feedSeq)
    expect(introduced()).toBe(INTRODUCED_RECORDS_MAX)
    expect(growth).toBeLessThan(HEAP_GROWTH_MAX)
    expectAlive()
    const { doc_count } = await alice.table.db.info()
    expect(doc_count).toBe(1 + live.length + INTRODUCED_RECORDS_MAX)
  }, 300_000)

  it('by 64 peers at once fills the table and no more; who was there stays, is renewed, and new neighbours come in', async () => {
    const before = await heapBytes()
    for (let sybil = 0; sybil < 64; sybil++) {
      const id = keyPairOf(7000 + sybil).peerId
      await admit(
        Array.from({ length: sybil < 20 ? INTRODUCED_RECORDS_MAX : 40 }, () => makeRecord(runtime.clock.now() + 60_000)),
        id,
      )
    }
    const growth = (await heapBytes()) - before
    print(`sybils: ${alice.table.records.length} records, heap grew by ${(growth / 2 ** 20).toFixed(1)} MiB`)
    expect(alice.table.records).toHaveLength(TABLE_RECORDS_MAX)
    expect(growth).toBeLessThan(HEAP_GROWTH_MAX)
    expectAlive()
    const now = runtime.clock.now()
    expect(
      await admit(
        live.map((one) => one.again({ seq: 2, createdMs: now, expiresMs: now + 900_000 })),
        mallory,
      ),
    ).toEqual([])
    const neighbours = Array.from({ length: 30 }, () => makeRecord(now))
    for (const neighbour of neighbours) expect(await admit([neighbour], neighbour.id)).toEqual([])
    expect(await admit([makeRecord(now)], mallory)).toEqual(['full'])
    expectAlive()
    for (const { id } of neighbours) expect(alice.table.get(id)).toBeDefined()
    expect(alice.table.records).toHaveLength(TABLE_RECORDS_MAX)
  }, 60_000)

  it('of records that end at once, again and again, never holds more than its quota', async () => {
    for (let round = 0; round < 6; round++) {
      const now = runtime.clock.now()
      const soon = Array.from({ length: INTRODUCED_RECORDS_MAX + 20 }, () => makeRecord(now, { expiresMs: now + 60_000 }))
      await admit(soon, mallory)
      expect(introduced()).toBeLessThanOrEqual(INTRODUCED_RECORDS_MAX)
      expect(introduced()).toBeGreaterThan(0)
      await runtime.clock.advance(60_000)
      expect(introduced()).toBe(0)
    }
    expect((await alice.table.db.info()).doc_count).toBeLessThan(TABLE_RECORDS_MAX)
    expectAlive()
  }, 60_000)
})
