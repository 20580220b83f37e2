import { compareBytes, concatBytes, type PeerId } from '@resilient-swarm/contract'
import type { KeyPair, PublicKey } from '@resilient-swarm/identity'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { type Admission, createAdmission } from '../src/admission.ts'
import { expiryOf, isExpired } from '../src/expiry.ts'
import { REWRITE_INTERVAL_MS } from '../src/limits.ts'
import { PeerIndex } from '../src/peer-index.ts'
import type { PeerRecord, RecordPayload } from '../src/peer-record.ts'
import { documentIdOf, signedRecords, type UnverifiedRecord } from '../src/record-envelope.ts'
import { revisionOf } from '../src/revision.ts'
import { shortNameOf } from '../src/short-name.ts'
import { openStore, type Store } from '../src/store.ts'
import type { TwinDatabase } from './twin-database.ts'
import { twinModule } from './twin-database.ts'

export const AUTHORS = 50
const LIARS = 3
const TABLES = 5
const STEPS = 60
const LOSS = 0.3
const START_MS = 1_700_000_000_000
const NETWORK = 'schedule'

/** A document whose reading and proof cost nothing: what `record-envelope.ts` would make of it is kept beside it. */
export interface CheapDocument {
  readonly _id: string
  readonly _rev: string
  readonly read: UnverifiedRecord
}

interface Author {
  readonly number: number
  readonly key: PublicKey
  readonly id: PeerId
  /** The table that is its own, or that it tells first. */
  readonly home: number
  readonly isLiar: boolean
  seq: number
  expiresMs: number
  hasLeft: boolean
}

interface Table {
  readonly number: number
  own: PeerId
  index: PeerIndex
  admission: Admission
  store: Store
  side: number
}

export interface Outcome {
  /** What each table holds of each author that stands, as text to compare. */
  readonly winners: readonly string[]
  /** Documents without exactly one leaf, or with another one than the table's record. */
  readonly broken: readonly string[]
  /** Honest authors that somebody marked though they never lost their counter. */
  readonly slandered: readonly string[]
  /** How often the rarer things happened, so that a test can ask that they do. */
  readonly counts: Readonly<Record<string, number>>
}

/** One random life of a swarm: `TABLES` tables, 50 authors, loss, partitions, restarts, and then peace. Same seed, same life. */
export async function runSchedule(seed: number, keys: readonly KeyPair[]): Promise<Outcome> {
  const random = createSeededRandom(seed)
  const pick = (count: number): number => Math.floor(random.fraction() * count)
  const chance = (share: number): boolean => random.fraction() < share
  const counts: Record<string, number> = {}
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  let nowMs = START_MS
  const clock = { now: () => nowMs, monotonic: () => nowMs, setTimer: () => ({ cancel() {} }) }
  const log = { debug() {}, info() {}, warn: (message: string) => void count(message) }
  const runtime = { clock, random, log }

  const authors: Author[] = keys.map(({ publicKey, peerId }, number) => ({
    number,
    key: publicKey,
    id: peerId,
    home: number % TABLES,
    // Not those who have a table of their own.
    isLiar: number >= AUTHORS - LIARS,
    seq: 0,
    expiresMs: 0,
    hasLeft: false,
  }))
  const lostCounters = new Set<PeerId>()
  const tables = Array.from({ length: TABLES }, (_, number) => openTable(number, (authors[number] as Author).id))

  function openTable(number: number, own: PeerId): Table {
    const index = new PeerIndex()
    const author = authors[number] as Author
    const table: Table = {
      number,
      own,
      index,
      side: 0,
      store: openStore({
        pouch: twinModule,
        name: `schedule ${number}`,
        runtime,
        entries: () => index.values(),
        onError: () => {},
      }),
      admission: createAdmission({
        own,
        network: NETWORK,
        index,
        budget: { take: () => true } as never,
        proof: { ...signedRecords, prove: ({ key }) => key as PublicKey },
        nowMs: () => nowMs,
        clock,
        isConnected: () => false,
        // As `own-record.ts` does, without its damping.
        onOwn(seq) {
          if (seq < author.seq || author.hasLeft) return
          count('counter found')
          author.seq = seq
          pending.push(() => publish(author))
        },
        onFork: (id) => {
          count('fork seen')
          index.markForked(id)
        },
        onAdmitted() {},
      }),
    }
    return table
  }

  const pending: (() => Promise<void>)[] = []
  const admit = async (table: Table, documents: readonly unknown[], origin: object): Promise<void> => {
    const { verdicts, admitted } = await table.admission.admit(documents, origin)
    for (const { refusal } of verdicts) if (refusal && refusal !== 'stale') count(refusal)
    if (admitted.length > 0) await table.store.write(admitted)
  }

  function documentOf(author: Author, seq: number, left: boolean): CheapDocument {
    const expiresMs = expiryOf(nowMs, { previousMs: author.expiresMs })
    author.expiresMs = expiresMs
    const payload: RecordPayload = {
      network: NETWORK,
      seq,
      links: [],
      relay: false,
      createdMs: nowMs,
      expiresMs,
      left,
    }
    const envelope = concatBytes(author.key, Uint8Array.of(pick(256), pick(256), pick(256), pick(256)))
    const _id = documentIdOf(author.id)
    return {
      _id,
      _rev: revisionOf(author.key, seq),
      read: { id: author.id, key: author.key, name: shortNameOf(author.key), payload, envelope },
    }
  }

  async function publish(author: Author, { left = false, fork = false } = {}): Promise<void> {
    const home = tables[author.home] as Table
    author.seq += fork ? 0 : chance(0.06) ? 1 + pick(400) : 1
    const origin = author.id === home.own ? { trusted: true } : { introducer: author.id }
    await admit(home, [documentOf(author, author.seq, left)], origin)
    if (fork || (author.isLiar && chance(0.6))) {
      count('fork')
      await admit(tables[pick(TABLES)] as Table, [documentOf(author, author.seq, left)], { introducer: author.id })
    }
    if (left) author.hasLeft = true
  }

  /** What the served view tells and the reader takes, less what gets lost. */
  async function pull(from: Table, to: Table, loss: number): Promise<void> {
    if (from === to) return
    const documents: CheapDocument[] = []
    let expired = 0
    for (const { record, publicKey, envelope } of from.index.values()) {
      if (record.id !== to.own && isExpired(record, nowMs)) {
        expired++
        continue
      }
      if (loss > 0 && chance(loss)) continue
      documents.push(documentFrom(record, publicKey, envelope))
    }
    if (expired > 0) count('expired')
    await admit(to, documents, { introducer: from.own })
    await settlePending()
  }

  async function settlePending(): Promise<void> {
    for (let task = pending.shift(); task; task = pending.shift()) await task()
  }

  async function restart(number: number): Promise<void> {
    const old = tables[number] as Table
    const author = authors[number] as Author
    await old.store.close()
    const isLost = chance(0.5)
    count(isLost ? 'database lost' : 'restart')
    if (isLost) await old.store.db.destroy()
    const table = openTable(number, old.own)
    table.side = old.side
    tables[number] = table
    // What is loaded is believed: only admitted ones were ever written.
    const load = (documents: readonly unknown[]) => table.admission.admit(documents, { trusted: true })
    await table.store.load(async (documents) => (await load(documents)).admitted)
    await table.store.tidy()
    author.seq = table.index.get(author.id)?.record.seq ?? 0
    author.expiresMs = table.index.get(author.id)?.record.expiresMs ?? 0
    author.hasLeft = false
    if (isLost) lostCounters.add(author.id)
    await publish(author)
  }

  const here = (): Author[] => authors.filter(({ hasLeft, seq }) => !hasLeft && seq > 0)

  for (const { home, number } of authors.slice(0, TABLES)) if (home === number) await publish(authors[number] as Author)
  for (let step = 0; step < STEPS; step++) {
    // Long enough that no honest author is ever over its rate.
    nowMs += 5_000 + pick(20_000)
    const what = random.fraction()
    if (what < 0.45) {
      const author = authors[pick(AUTHORS)] as Author
      if (author.hasLeft && author.number < TABLES) continue
      author.hasLeft = false
      await publish(author, { left: author.number >= TABLES && chance(0.08) })
    } else if (what < 0.85) {
      const [from, to] = [tables[pick(TABLES)] as Table, tables[pick(TABLES)] as Table]
      if (from.side === to.side) await pull(from, to, LOSS)
    } else if (what < 0.9) for (const table of tables) table.side = chance(0.5) ? 1 : 0
    else if (what < 0.93) for (const table of tables) table.side = 0
    else if (what < 0.96) await restart(pick(TABLES))
    else if (what < 0.98) nowMs += pick(20 * 60_000)
    else {
      const author = authors[TABLES + pick(AUTHORS - TABLES - LIARS)] as Author
      // It lost its counter, and begins anew.
      if (author.seq > 0) lostCounters.add(author.id)
      author.seq = 0
      count('counter lost')
    }
    if (chance(0.1)) await (tables[pick(TABLES)] as Table).store.tidy()
  }

  // Peace: who is still there says so once more above what its home knows, and everybody hears everybody.
  nowMs += 60_000
  for (const author of here()) {
    if (author.isLiar || !chance(0.5)) continue
    author.seq = Math.max(author.seq, (tables[author.home] as Table).index.get(author.id)?.record.seq ?? 0)
    await publish(author)
  }
  for (let round = 0; round < 4; round++) {
    nowMs += 6_000
    // Along a ring: after two rounds each has what anybody had, and two more for what is said in answer.
    for (const to of [...tables].reverse()) await pull(tables[(to.number + 1) % TABLES] as Table, to, 0)
  }

  const broken = await findBroken(false)
  nowMs += REWRITE_INTERVAL_MS
  for (const { store } of tables) await store.tidy()
  broken.push(...(await findBroken(true)))
  const winners = tables.map(({ index }) => winnersOf(index, nowMs))
  const honest = new Set(authors.filter(({ id, isLiar }) => !isLiar && !lostCounters.has(id)).map(({ id }) => id))
  const slandered = tables.flatMap(({ index }) => [...index.forked].filter((id) => honest.has(id)))
  for (const { store } of tables) {
    await store.close()
    await store.db.destroy()
  }
  return { winners, broken, slandered, counts }

  /** Each document has one leaf, and after the store was written anew where it had to be, it is the table's. */
  async function findBroken(isTidy: boolean): Promise<string[]> {
    const found: string[] = []
    for (const { index, store, number } of tables) {
      const db = store.db as unknown as TwinDatabase
      for (const { id } of (await db.allDocs()).rows) {
        if (db.leavesOf(id).length !== 1) found.push(`table ${number}: ${id} has ${db.leavesOf(id).map(({ name }) => name)}`)
      }
      if (!isTidy) continue
      for (const { record, publicKey, envelope } of index.values()) {
        const [leaf] = db.leavesOf(documentIdOf(record.id))
        const kept = leaf?.document as unknown as CheapDocument | undefined
        const isSame = kept && compareBytes(kept.read.envelope, envelope) === 0
        if (leaf?.name !== revisionOf(publicKey, record.seq) || !isSame) found.push(`table ${number}: ${record.id} is not stored`)
      }
    }
    return found
  }
}

/** The document that a table hands on, as it was written. */
function documentFrom(record: PeerRecord, publicKey: PublicKey, envelope: Uint8Array): CheapDocument {
  const known = documents.get(envelope)
  if (known) return known
  const { id, links: _, ...rest } = record
  const read = { id, key: publicKey, name: shortNameOf(publicKey), payload: { network: NETWORK, links: [], ...rest }, envelope }
  const document = { _id: documentIdOf(id), _rev: revisionOf(publicKey, record.seq), read }
  documents.set(envelope, document)
  return document
}
const documents = new WeakMap<Uint8Array, CheapDocument>()

function winnersOf(index: PeerIndex, nowMs: number): string {
  return [...index.values()]
    .filter(({ record }) => !isExpired(record, nowMs))
    .map(({ record, envelope }) => `${record.id} ${record.seq} ${record.left} ${envelope.slice(32)}`)
    .sort()
    .join('\n')
}
