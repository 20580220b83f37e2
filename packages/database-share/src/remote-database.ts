import type { ChangeRow, ChangesResult, Place } from './database.ts'
import { type CheckedDocument, checkDocument, type Refusal } from './document.ts'
import { BATCH_CHANGES_MAX, CHECK_REVISIONS_MAX, REVISIONS_MAX, WANTED_MAX } from './limits.ts'
import { parseRevision, type Row, type Wanted } from './messages.ts'
import type { Reading } from './reading.ts'

export interface RemoteDatabaseOptions {
  readonly reading: Reading
  /** Tells this peer's feed apart from every other, for the replicator's checkpoint id. */
  readonly id: string
  /** Bytes of documents that one batch may have together. */
  readonly batchBytesMax: number
  /** How many changes a batch has now: with one, a document that is too large is left out rather than tried again. */
  readonly batchChanges: number
  readonly onPending: (pending: number | null) => void
  readonly onRead: (documents: number) => void
  /** Lets everything else have its turn. */
  readonly turn: () => Promise<void>
  /** What came and goes no further; `document` as far as it can be named. */
  readonly onRefused: (document: Named, refusal: Refusal) => void
}

/** What a document calls itself, whether or not it is one. */
export interface Named {
  readonly id: string
  readonly revision?: string
}

/** A database at the other end, and what PouchDB's replicator needs to be told to go on. */
export interface RemoteDatabase {
  /** For the replicator. */
  readonly source: object
  /** The replicator has stored everything up to this place: the next changes may be asked for. */
  done(place: unknown): void
  /** The run fails because a batch had too many bytes together: to be tried again with fewer changes. */
  readonly wasTooLarge: boolean
}

interface ChangesOptions {
  readonly since?: Place
  readonly limit?: number
  readonly live?: boolean
}

interface BulkGetOptions {
  readonly docs: readonly { readonly id: string; readonly rev: string }[]
}

/** The peer's database as PouchDB's replicator sees a source: no more than what `pouchdb-replication` 9 touches. */
export function createRemoteDatabase(options: RemoteDatabaseOptions): RemoteDatabase {
  const { reading } = options
  let attachments = new Map<string, CheckedDocument['_attachments']>()
  let wasTooLarge = false
  let stored: unknown
  let whenStored: (() => void) | undefined
  const waitUntilStored = (place: Place): Promise<void> =>
    new Promise((resolve) => {
      if (stored === place) return resolve()
      whenStored = () => {
        if (stored === place) resolve()
      }
    })

  async function bulkGet({ docs }: BulkGetOptions): Promise<{ results: unknown[] }> {
    const found = await fetchAll(docs.map(({ id, rev }) => [id, rev]))
    options.onRead(found.length)
    attachments = new Map()
    for (const { _id, _rev, _attachments } of found) if (_attachments) attachments.set(keyOf(_id, _rev), _attachments)
    return { results: found.map((document) => ({ id: document._id, docs: [{ ok: document }] })) }
  }

  async function fetchAll(wanted: readonly Wanted[]): Promise<CheckedDocument[]> {
    const found: CheckedDocument[] = []
    let bytes = 0
    for (let place = 0; place < wanted.length; ) {
      const part = wanted.slice(place, place + WANTED_MAX)
      const answer = await reading.documents({ wanted: part, bytesMax: Math.max(1, options.batchBytesMax - bytes) })
      for (const id of answer.large) options.onRefused({ id }, 'size')
      let hashes = 0
      for (const document of answer.documents) {
        const checked = checkDocument(document)
        if (typeof checked === 'string') options.onRefused(nameOf(document), checked)
        else found.push(checked)
        hashes += typeof checked === 'string' ? REVISIONS_MAX : checked._revisions.ids.length
        if (hashes < CHECK_REVISIONS_MAX) continue
        hashes = 0
        await options.turn()
      }
      place += Math.max(1, part.length - answer.left)
      bytes += answer.bytes
      if (bytes < options.batchBytesMax || place >= wanted.length) continue
      if (options.batchChanges > 1) {
        wasTooLarge = true
        throw new Error('The documents of a batch are too large together.')
      }
      for (const [id] of wanted.slice(place)) options.onRefused({ id }, 'size')
      break
    }
    return found
  }

  return {
    source: {
      adapter: 'peer',
      activeTasks: { add: () => 0, get: () => undefined, update() {}, remove() {} },
      once() {},
      removeListener() {},
      id: async () => options.id,
      info: async () => ({ db_name: 'peer', update_seq: 0 }),
      changes: (given: ChangesOptions) => readChanges({ ...options, waitUntilStored }, given),
      bulkGet,
      // They came with their document; PouchDB asks for them one by one.
      getAttachment: async (id: string, name: string, { rev }: { rev: string }) => attachments.get(keyOf(id, rev))?.[name]?.data,
    },
    get wasTooLarge() {
      return wasTooLarge
    },
    done(place) {
      stored = place
      whenStored?.()
    },
  }
}

function keyOf(id: string, revision: string): string {
  return JSON.stringify([id, revision])
}

function nameOf(document: unknown): Named {
  const { _id, _rev } = document as { _id: string; _rev?: unknown }
  return { id: _id, ...(parseRevision(_rev) ? { revision: _rev as string } : {}) }
}

type OnChange = (change: ChangeRow, pending: undefined, seq: Place) => void
type EmittedResult = ChangesResult & { readonly status?: 'cancelled' }
interface Changes extends Promise<EmittedResult> {
  on(event: string, listener: OnChange): Changes
  cancel(): void
}

type ReadChangesOptions = RemoteDatabaseOptions & { readonly waitUntilStored: (place: Place) => Promise<void> }

/** `db.changes()`: one page of what is there, or live. A promise that emits, as the replicator expects it. */
function readChanges(options: ReadChangesOptions, { since = 0, limit = 1, live = false }: ChangesOptions): Changes {
  const { reading, batchChanges, onPending, waitUntilStored } = options
  let listener: OnChange = () => {}
  let finish: (result: EmittedResult) => void = () => {}
  let place = since
  let ended = false

  function end(result: EmittedResult): void {
    ended = true
    finish(result)
  }

  async function readPage(wait: boolean): Promise<ChangeRow[]> {
    const page = await reading.changes({ since: place, limit: Math.min(limit, batchChanges, BATCH_CHANGES_MAX), wait })
    if (ended) return []
    onPending(page.pending)
    const rows = page.rows.map(toChange)
    place = page.last
    for (const row of rows) listener(row, undefined, row.seq)
    return rows
  }

  async function readLive(): Promise<void> {
    while (!ended) {
      const rows = await readPage(true)
      const last = rows.at(-1)
      // The replicator keeps what it has not stored yet, without a bound of its own.
      if (last && !ended) await waitUntilStored(last.seq)
    }
  }

  async function readOnce(): Promise<void> {
    const results = await readPage(false)
    if (!ended) end({ results, last_seq: place })
  }

  const changes: Changes = Object.assign(
    new Promise<EmittedResult>((resolve, reject) => {
      finish = resolve
      // Later: the replicator has not told us its listener yet.
      queueMicrotask(() => {
        if (!ended) (live ? readLive() : readOnce()).catch(reject)
      })
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

function toChange([id, seq, revisions]: Row): ChangeRow {
  return { id, seq, changes: revisions.map((rev) => ({ rev })) }
}
