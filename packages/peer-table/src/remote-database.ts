import { encodeBase64Url, type PeerId } from '@resilient-swarm/contract'
import type { TableDocument } from './pouchdb.ts'
import { documentIdOf, type RecordProof } from './record-envelope.ts'
import type { RemoteView, Row } from './remote-view.ts'
import { revisionOf } from './revision.ts'

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

/**
 * The remote table as PouchDB's replicator sees a source database: no more than what `pouchdb-replication` 9 touches, all of it
 * answered from what the peer pushed. Only `bulkGet` may ask the peer, for envelopes that were not pushed along.
 */
export function createRemoteDatabase(view: RemoteView, proof: RecordProof): object {
  return {
    adapter: 'peer',
    activeTasks: { add: () => 0, get: () => undefined, update() {}, remove() {} },
    once() {},
    removeListener() {},
    id: async () => (await view.info).instance,
    info: async () => ({ db_name: 'peer', doc_count: (await view.info).count, update_seq: view.feedSeq }),
    changes: (options: ChangesOptions) => readChanges(view, options),
    bulkGet: (options: BulkGetOptions) => bulkGet(view, proof, options),
  }
}

async function bulkGet(view: RemoteView, proof: RecordProof, { docs }: BulkGetOptions): Promise<{ results: unknown[] }> {
  const wanted = new Set(docs.map(({ id }) => id))
  const rows = new Map<PeerId, Row>()
  for (const row of view.rowsAfter(0)) if (wanted.has(documentIdOf(row.id))) rows.set(row.id, row)
  const missing = [...rows.values()].filter((row) => !row.envelope)
  const fetched = missing.length > 0 ? await view.fetch(missing) : new Map<PeerId, Uint8Array>()
  return {
    results: [...rows.values()].map((row) => {
      const envelope = row.envelope ?? fetched.get(row.id)
      // Gone in the meantime: nothing to store, and no error that would stop the neighbours.
      return { id: documentIdOf(row.id), docs: envelope ? [{ ok: documentOf(row, envelope, proof) }] : [] }
    }),
  }
}

/** What arrived, as a document; whether it is one is for the admission to say. A fetched one may be newer than its row. */
function documentOf(row: Row, envelope: Uint8Array, proof: RecordProof): TableDocument {
  const read = row.envelope ? undefined : proof.read(envelope)
  const seq = typeof read === 'object' ? read.payload.seq : row.seq
  return { _id: documentIdOf(row.id), _rev: revisionOf(row.key, seq), envelope: encodeBase64Url(envelope) }
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
      const change = { id: documentIdOf(row.id), seq: row.feedSeq, changes: [{ rev: revisionOf(row.key, row.seq) }] }
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
