import type { Received, RemoteView, Row } from './remote-view.ts'
import type { ShortName } from './short-name.ts'

interface ChangeRow {
  readonly id: string
  readonly seq: number
  readonly changes: readonly { readonly rev: string }[]
}

interface ChangesOptions {
  readonly since?: number
  readonly limit?: number
  readonly live?: boolean
}

type ChangesResult = { readonly results: readonly ChangeRow[]; readonly last_seq: number; readonly status?: 'cancelled' }

interface BulkGetOptions {
  readonly docs: readonly { readonly id: string; readonly rev: string }[]
}

/** A record on its way through PouchDB's replicator, which carries it from here to the admitting database as it is. */
export interface ReceivedDocument {
  /** The short name: nobody needs the whole one before the record is let in. */
  readonly _id: ShortName
  readonly received: Received
  readonly isNews: boolean
}

export interface RemoteDatabaseOptions {
  readonly view: RemoteView
  /** A row of news came without its record, which had to be fetched. */
  readonly onFetchedNews: () => void
}

/**
 * The remote table as PouchDB's replicator sees a source database: no more than what `pouchdb-replication` 9 touches, all of it
 * answered from what the peer pushed. Only `bulkGet` may ask the peer, for records that were not pushed along.
 */
export function createRemoteDatabase({ view, onFetchedNews }: RemoteDatabaseOptions): object {
  return {
    adapter: 'peer',
    activeTasks: { add: () => 0, get: () => undefined, update() {}, remove() {} },
    once() {},
    removeListener() {},
    id: async () => (await view.info).instance,
    info: async () => ({ db_name: 'peer', doc_count: (await view.info).count, update_seq: view.feedSeq }),
    changes: (options: ChangesOptions) => readChanges(view, options),

    async bulkGet({ docs }: BulkGetOptions): Promise<{ results: unknown[] }> {
      const wanted = new Set<string>(docs.map(({ id }) => id))
      const rows = new Map<ShortName, Row>()
      for (const row of view.rowsAfter(0)) if (wanted.has(row.name)) rows.set(row.name, row)
      const missing = [...rows.values()].filter(({ received }) => received === undefined)
      if (missing.some(view.isLive)) onFetchedNews()
      const fetched = missing.length > 0 ? await view.fetch(missing.map(({ name }) => name)) : new Map<ShortName, Received>()
      return {
        results: [...rows.values()].map((row) => {
          const { name, received = fetched.get(name) } = row
          // Gone in the meantime: nothing to store, and no error that would stop the neighbours.
          const document: ReceivedDocument | undefined = received && { _id: name, received, isNews: view.isLive(row) }
          return { id: name, docs: document ? [{ ok: document }] : [] }
        }),
      }
    },
  }
}

type OnChange = (change: ChangeRow, pending: number | undefined, seq: number) => void
interface Changes extends Promise<ChangesResult> {
  on(event: string, listener: OnChange): Changes
  cancel(): void
}

/** `db.changes()`: a pass over what is there, or live. A promise that emits, as the replicator expects it. */
function readChanges(view: RemoteView, { since = 0, limit = 1, live = false }: ChangesOptions): Changes {
  const results: ChangeRow[] = []
  let place = since
  let listener: OnChange = () => {}
  let finish: (result: ChangesResult) => void = () => {}
  let ended = false
  const forget = view.onProgress(read)
  // Later: the replicator has not told us its listener yet.
  queueMicrotask(read)

  function end(result: ChangesResult): void {
    if (ended) return
    ended = true
    forget()
    finish(result)
  }

  function read(): void {
    if (ended) return
    for (const row of view.rowsAfter(place, live ? undefined : limit)) {
      // The replicator compares revisions only with themselves; the computed one is made where a record is let in.
      const change = { id: row.name, seq: row.feedSeq, changes: [{ rev: String(row.seq) }] }
      place = row.feedSeq
      if (!live) results.push(change)
      listener(change, undefined, row.feedSeq)
      if (ended) return
    }
    if (live) return
    if (results.length > 0) end({ results, last_seq: place })
    else if (view.isCaughtUp) end({ results: [], last_seq: Math.max(place, view.feedSeq) })
  }

  const changes: Changes = Object.assign(
    new Promise<ChangesResult>((resolve) => {
      finish = resolve
    }),
    {
      on(event: string, onChange: OnChange) {
        if (event === 'change') listener = onChange
        return changes
      },
      cancel: () => end({ results: [], last_seq: place, status: 'cancelled' }),
    },
  )
  return changes
}
