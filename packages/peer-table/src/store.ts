import type { PeerId, Runtime } from '@resilient-swarm/contract'
import { ANCESTRY_LENGTH, REWRITE_BATCH, REWRITE_INTERVAL_MS, STALE_DOCUMENTS_MAX, TABLE_RECORDS_MAX } from './limits.ts'
import type { Entry } from './peer-index.ts'
import type { PouchDatabase, PouchModule } from './pouchdb.ts'
import { toDocument } from './record-envelope.ts'
import { canBridge } from './revision.ts'

export interface StoreOptions {
  readonly pouch: PouchModule
  readonly name: string
  readonly runtime: Runtime
  /** What the database is to hold when it is written anew. */
  readonly entries: () => Iterable<Entry>
}

/**
 * Where admitted records are kept. The table never waits for it and goes on without it: a write that fails is told to the
 * log, and the database is written anew from memory when it can be.
 */
export interface Store {
  /** The database of now; another one, of the same name, after it was written anew. */
  readonly db: PouchDatabase
  /** Hands over every document that an earlier life left; those that are not admitted go with the next writing anew. */
  load(admit: (documents: readonly unknown[]) => Promise<readonly Entry[]>): Promise<void>
  write(entries: readonly Entry[]): Promise<void>
  /** Writes anew if something waits for that and it was not done just now. */
  tidy(): Promise<void>
  /** Ends; what is only in memory is given back with it. */
  close(): Promise<void>
}

export type OpenStore = (options: StoreOptions) => Store

export function openStore(options: StoreOptions): Store {
  return new PouchStore(options)
}

interface Leaf {
  readonly seq: number
  readonly envelope: Uint8Array
}

class PouchStore implements Store {
  db: PouchDatabase
  readonly #options: StoreOptions
  /** What the database has of each document, of forgotten peers too: PouchDB cannot take a document out. */
  readonly #leaves = new Map<PeerId, Leaf>()
  #queue: Promise<void> = Promise.resolve()
  #needsRewrite = false
  #rewrittenAtMs: number
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
    this.#rewrittenAtMs = options.runtime.clock.monotonic() - REWRITE_INTERVAL_MS
    this.db = this.#open()
  }

  async load(admit: (documents: readonly unknown[]) => Promise<readonly Entry[]>): Promise<void> {
    try {
      const { rows } = await this.db.allDocs({ include_docs: true, limit: TABLE_RECORDS_MAX + STALE_DOCUMENTS_MAX })
      const admitted = await admit(rows.map((row) => row.doc))
      for (const { record, envelope } of admitted) this.#leaves.set(record.id, { seq: record.seq, envelope })
      if (admitted.length < rows.length) this.#needsRewrite = true
    } catch (cause) {
      this.#failed(cause)
    }
  }

  write(entries: readonly Entry[]): Promise<void> {
    return this.#enqueue(() => this.#write(entries))
  }

  tidy(): Promise<void> {
    const nowMs = this.#options.runtime.clock.monotonic()
    if (!this.#needsRewrite || nowMs - this.#rewrittenAtMs < REWRITE_INTERVAL_MS) return Promise.resolve()
    this.#rewrittenAtMs = nowMs
    return this.#enqueue(() => this.#rewrite())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#queue
    try {
      await (this.#options.pouch.adapter === 'memory' ? this.db.destroy() : this.db.close())
    } catch (cause) {
      this.#options.runtime.log.debug('The peer table could not be closed.', { cause })
    }
  }

  #open(): PouchDatabase {
    const { pouch, name } = this.#options
    const db = new pouch.PouchDB(name, { adapter: pouch.adapter, revs_limit: ANCESTRY_LENGTH, auto_compaction: true })
    db.setMaxListeners(0) // readers of `table.db` listen as they like
    return db
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task).catch((cause) => this.#failed(cause))
    return this.#queue
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const docs: unknown[] = []
    for (const entry of entries) {
      const { record, envelope } = entry
      const leaf = this.#leaves.get(record.id)
      if (leaf?.envelope === envelope) continue
      // Another body for its seq, behind it after a lost counter, or too far ahead: the document cannot stay one line.
      if (leaf && (record.seq <= leaf.seq || !canBridge(record.seq, leaf.seq))) {
        this.#needsRewrite = true
        continue
      }
      docs.push(toDocument(entry, leaf?.seq))
      this.#leaves.set(record.id, { seq: record.seq, envelope })
    }
    if (this.#leaves.size > TABLE_RECORDS_MAX + STALE_DOCUMENTS_MAX) this.#needsRewrite = true
    if (docs.length === 0) return
    const failures = await this.db.bulkDocs({ docs, new_edits: false })
    if (failures.length > 0) throw failures[0]
  }

  async #rewrite(): Promise<void> {
    this.#needsRewrite = false
    await this.db.destroy()
    this.db = this.#open()
    this.#leaves.clear()
    const entries = [...this.#options.entries()]
    for (let start = 0; start < entries.length; start += REWRITE_BATCH) {
      await this.#write(entries.slice(start, start + REWRITE_BATCH))
    }
  }

  #failed(cause: unknown): void {
    this.#needsRewrite = true
    this.#options.runtime.log.warn('The peer table could not be written; it goes on in memory and will be written anew.', {
      cause,
    })
  }
}
