import type { PeerId, Runtime, SwarmError } from '@resilient-swarm/contract'
import { ANCESTRY_LENGTH, REWRITE_INTERVAL_MS, STALE_DOCUMENTS_MAX, TABLE_RECORDS_MAX, WRITE_REVISIONS_MAX } from './limits.ts'
import type { Entry } from './peer-index.ts'
import type { PouchDatabase, PouchModule, Shelf, WritableDocument } from './pouchdb.ts'
import { toDocument } from './record-envelope.ts'
import { canBridge } from './revision.ts'
import { type TableErrorCode, tableError } from './table-error.ts'

export interface StoreOptions {
  readonly pouch: PouchModule
  /** The database's name; on a shelf each has its own. */
  readonly name: string
  readonly runtime: Runtime
  /** What the database is to hold when it is written anew. */
  readonly entries: () => Iterable<Entry>
  /** It cannot be read or written: told once, and again only after it could in between. */
  readonly onError: (error: SwarmError<TableErrorCode>) => void
}

/**
 * Where admitted records are kept. The table never waits for it and goes on without it: a write that fails is told, and the
 * database is written anew from memory when it can be.
 */
export interface Store {
  /** The database of now; another one after it was written anew. */
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

const DOCUMENTS_READ_MAX = TABLE_RECORDS_MAX + STALE_DOCUMENTS_MAX

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
  #isTold = false
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
    this.#rewrittenAtMs = options.runtime.clock.monotonic() - REWRITE_INTERVAL_MS
    this.db = this.#open()
  }

  async load(admit: (documents: readonly unknown[]) => Promise<readonly Entry[]>): Promise<void> {
    const { shelf } = this.#options.pouch
    try {
      await (shelf ? this.#salvage(shelf, admit) : this.#read(admit))
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
    const { shelf } = this.#options.pouch
    return this.#enqueue(() => (shelf ? this.#replace(shelf) : this.#rewrite()))
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
    const options = { adapter: pouch.adapter, revs_limit: ANCESTRY_LENGTH, auto_compaction: true }
    const db = new pouch.PouchDB(pouch.shelf?.next() ?? name, options)
    db.setMaxListeners(0) // readers of `table.db` listen as they like
    return db
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task).catch((cause) => this.#failed(cause))
    return this.#queue
  }

  /** The database is the one that the earlier life wrote. */
  async #read(admit: (documents: readonly unknown[]) => Promise<readonly Entry[]>): Promise<void> {
    const { rows } = await this.db.allDocs({ include_docs: true, limit: DOCUMENTS_READ_MAX })
    const admitted = await admit(rows.map((row) => row.doc))
    for (const { record, envelope } of admitted) this.#leaves.set(record.id, { seq: record.seq, envelope })
    if (admitted.length < rows.length) this.#needsRewrite = true
  }

  /** The database is new: it gets what the earlier ones still tell, and only then they go. */
  async #salvage(shelf: Shelf, admit: (documents: readonly unknown[]) => Promise<readonly Entry[]>): Promise<void> {
    const { documents, damage, paths, isLocked } = await shelf.salvage({ documentsMax: DOCUMENTS_READ_MAX })
    if (isLocked) this.#tell(tableError('ERR_TABLE_SHARED'))
    if (damage.length > 0) this.#tell(tableError('ERR_TABLE_DAMAGED', damage[0]))
    await admit(documents)
    void this.#enqueue(async () => {
      await this.#writeAll()
      await shelf.erase(paths)
    })
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    let docs: WritableDocument[] = []
    let revisions = 0
    for (const entry of entries) {
      const { record, envelope } = entry
      const leaf = this.#leaves.get(record.id)
      if (leaf?.envelope === envelope) continue
      // Another body for its seq, behind it after a lost counter, or too far ahead: the document cannot stay one line.
      if (leaf && (record.seq <= leaf.seq || !canBridge(record.seq, leaf.seq))) {
        this.#needsRewrite = true
        continue
      }
      const document = toDocument(entry, leaf?.seq)
      revisions += document._revisions.ids.length
      if (revisions > WRITE_REVISIONS_MAX) {
        await this.#flush(docs)
        docs = []
        revisions = document._revisions.ids.length
      }
      docs.push(document)
      this.#leaves.set(record.id, { seq: record.seq, envelope })
    }
    if (this.#leaves.size > DOCUMENTS_READ_MAX) this.#needsRewrite = true
    await this.#flush(docs)
  }

  async #flush(docs: readonly WritableDocument[]): Promise<void> {
    if (docs.length === 0) return
    const failures = await this.db.bulkDocs({ docs: [...docs], new_edits: false })
    if (failures.length > 0) throw failures[0]
  }

  async #writeAll(): Promise<void> {
    await this.#write([...this.#options.entries()])
  }

  async #rewrite(): Promise<void> {
    this.#needsRewrite = false
    try {
      await this.db.destroy()
    } catch {} // one that never opened cannot be destroyed; the next one may open
    this.db = this.#open()
    this.#leaves.clear()
    await this.#writeAll()
    this.#isTold = false
  }

  /** A new database beside the one of now, which goes when the new one holds everything; else the new one goes. */
  async #replace(shelf: Shelf): Promise<void> {
    this.#needsRewrite = false
    const before = this.db
    this.db = this.#open()
    this.#leaves.clear()
    let spare = this.db
    try {
      await this.#writeAll()
      spare = before
      this.#isTold = false
    } catch (cause) {
      this.db = before
      throw cause
    } finally {
      await spare.close().catch(() => {}) // one that never opened cannot be closed
      await shelf.erase([spare.name])
    }
  }

  #failed(cause: unknown): void {
    this.#needsRewrite = true
    this.#tell(tableError('ERR_TABLE_STORE', cause))
  }

  /** A disk that stays full fails every write; its owner needs to hear of it once. */
  #tell(error: SwarmError<TableErrorCode>): void {
    const { onError, runtime } = this.#options
    if (error.code === 'ERR_TABLE_STORE') {
      if (this.#isTold) return
      this.#isTold = true
    }
    runtime.log.warn(error.message, { cause: error.cause })
    onError(error)
  }
}
