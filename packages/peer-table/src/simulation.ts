import type { PeerTable, PeerTableOptions } from './options.ts'
import { openPeerTable } from './peer-table.ts'
import type { PouchDatabase, PouchModule, Replication } from './pouchdb.ts'
import type { RecordProof } from './record-envelope.ts'
import type { Store } from './store.ts'

/** For simulators: the table of production over storage and signatures that cost nothing. Nothing here protects anybody. */
export type { KeyPair } from '@resilient-swarm/identity'
export { encodeRecord } from './peer-record.ts'
export { type RecordProof, readEnvelope, sealRecord, toDocument, type UnverifiedRecord } from './record-envelope.ts'

/** What stands in the signature's place must differ with what is said, in its first eight bytes: digests go by them. */
export interface SimulatedTableOptions extends Omit<PeerTableOptions, 'pouch'> {
  readonly proof: RecordProof
  /** What an earlier life left in the database. */
  readonly remembered?: readonly unknown[]
}

/** A table that keeps its records in memory only and pulls with a loop of a few lines in the place of PouchDB's replicator. */
export function createSimulatedTable({ proof, remembered = [], ...options }: SimulatedTableOptions): Promise<PeerTable> {
  return openPeerTable({ ...options, pouch }, { proof, openStore: () => forgetful(remembered) })
}

function forgetful(remembered: readonly unknown[]): Store {
  return {
    db: {} as PouchDatabase,
    async load(admit) {
      await admit(remembered)
    },
    async write() {},
    async tidy() {},
    async close() {},
  }
}

interface Change {
  readonly id: string
  readonly seq: number
  readonly changes: readonly { readonly rev: string }[]
}

interface Changes {
  on(event: 'change', listener: (change: Change) => void): unknown
  cancel(): void
}

/** What of the two ends PouchDB's replicator asks for, and so does this loop. */
interface Source {
  changes(options: { since: number; live: true }): Changes
  bulkGet(options: { docs: { id: string; rev: string }[] }): Promise<{ results: { docs: { ok: unknown }[] }[] }>
}

interface Target {
  get(id: string): Promise<{ last_seq: number }>
  put(checkpoint: { _id: string; last_seq: number }): Promise<unknown>
  revsDiff(asked: Record<string, string[]>): Promise<Record<string, { missing: string[] }>>
  bulkDocs(documents: { docs: unknown[] }): Promise<unknown[]>
}

const CHECKPOINT = '_local/simulated'

const pouch: PouchModule = {
  adapter: 'memory',
  PouchDB: {
    replicate: (source, target, options) => pull(source as Source, target as Target, options),
  } as PouchModule['PouchDB'],
}

function pull(source: Source, target: Target, { batch_size: batchDocuments }: Record<string, unknown>): Replication {
  const waiting: Change[] = []
  const listeners = new Map<string, (detail: unknown) => void>()
  let running = false
  let cancelled = false
  let changes: Changes | undefined

  async function begin(): Promise<void> {
    const since = await target.get(CHECKPOINT).then(
      (checkpoint) => checkpoint.last_seq,
      () => 0,
    )
    if (cancelled) return
    changes = source.changes({ since, live: true })
    changes.on('change', (change) => {
      waiting.push(change)
      if (running) return
      running = true
      queueMicrotask(() => void drain().catch(failed))
    })
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0 && !cancelled) await takeBatch(waiting.splice(0, batchDocuments as number))
    running = false
  }

  async function takeBatch(batch: readonly Change[]): Promise<void> {
    const missing = await target.revsDiff(Object.fromEntries(batch.map(({ id, changes }) => [id, changes.map(({ rev }) => rev)])))
    const wanted = Object.entries(missing).flatMap(([id, { missing: revs }]) => revs.map((rev) => ({ id, rev })))
    if (wanted.length > 0) {
      const { results } = await source.bulkGet({ docs: wanted })
      await target.bulkDocs({ docs: results.flatMap(({ docs }) => docs.map(({ ok }) => ok)) })
    }
    const last = batch.at(-1)
    if (last && !cancelled) await target.put({ _id: CHECKPOINT, last_seq: last.seq })
  }

  function failed(cause: unknown): void {
    if (!cancelled) listeners.get('error')?.(cause)
  }

  void begin().catch(failed)
  return {
    on: (event, listener) => listeners.set(event, listener),
    cancel() {
      cancelled = true
      changes?.cancel()
    },
  }
}
