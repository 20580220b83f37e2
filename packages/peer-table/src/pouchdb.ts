/** The part of PouchDB that we use; `#pouchdb` brings it, from dependencies in Node and from one bundle in browsers. */

export interface TableDocument {
  readonly _id: string
  readonly _rev: string
  readonly envelope: string
}

/** A document on its way into the database, with the ancestry that its revision has. */
export interface WritableDocument extends TableDocument {
  readonly _revisions: { readonly start: number; readonly ids: readonly string[] }
}

export interface Replication {
  on(event: 'error' | 'denied' | 'change' | 'checkpoint', listener: (detail: unknown) => void): unknown
  cancel(): void
}

/** What of a PouchDB the table reads and writes; the real one offers far more to whoever reads `table.db`. */
export interface PouchDatabase {
  readonly name: string
  get(id: string, options?: Record<string, unknown>): Promise<TableDocument & Record<string, unknown>>
  allDocs(options?: Record<string, unknown>): Promise<{ rows: { id: string; doc?: Record<string, unknown> }[] }>
  changes(options?: Record<string, unknown>): {
    on(event: string, listener: (detail: never) => void): unknown
    cancel(): void
  }
  info(): Promise<{ doc_count: number; update_seq: number | string; db_name: string }>
  bulkDocs(documents: { docs: unknown[]; new_edits: boolean }, options?: Record<string, unknown>): Promise<unknown[]>
  setMaxListeners(count: number): unknown
  close(): Promise<void>
  destroy(): Promise<unknown>
}

export interface PouchConstructor {
  new (name: string, options: { adapter: string; revs_limit: number; auto_compaction: boolean }): PouchDatabase
  replicate(source: unknown, target: unknown, options: Record<string, unknown>): Replication
  plugin(plugin: unknown): PouchConstructor
  setMaxListeners(count: number): unknown
}

/** What a module behind `#pouchdb` exports. */
export interface PouchModule {
  readonly PouchDB: PouchConstructor
  /** `memory` is given back when a table closes; of any other the database is found again by its name. */
  readonly adapter: string
}
