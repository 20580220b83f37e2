import { type PouchDatabase, type PouchDocument, statusOf } from './database.ts'
import { type CheckedDocument, type Refusal, withoutAncestry } from './document.ts'
import { partsOf, treeWeight } from './heavy-parts.ts'
import { TURN_REVISIONS_MAX } from './limits.ts'

export interface AdmittingDatabaseOptions {
  readonly database: PouchDatabase
  /** The application's word on a document, which is never awaited for ever. */
  readonly admit: (document: PouchDocument) => Promise<boolean>
  /** About to be written. */
  readonly onAdmitted: (document: PouchDocument) => void
  readonly onStored: (documents: readonly PouchDocument[]) => void
  readonly onRefused: (document: PouchDocument, refusal: Refusal) => void
  /** Lets everything else have its turn. */
  readonly turn: () => Promise<void>
  /** Which life of which database this is read from: a checkpoint of another one is none. */
  readonly origin: { readonly peer: string; readonly database: string }
}

/** What PouchDB's replicator understands as: this document never, the others yes. */
interface Denied {
  readonly id: string
  readonly error: 'forbidden'
  readonly name: 'forbidden'
  readonly status: 403
  readonly message: Refusal
}

interface Checkpoint {
  readonly _id: string
  readonly last_seq: unknown
}

/** The application's database as PouchDB's replicator sees a target: all that is written passes `admit`. */
export function createAdmittingDatabase(options: AdmittingDatabaseOptions): object {
  const { database, origin } = options

  async function bulkDocs({ docs }: { docs: readonly CheckedDocument[] }): Promise<Denied[]> {
    const verdicts = await Promise.all(docs.map((document) => options.admit(withoutAncestry(document))))
    const admitted = docs.filter((_, index) => verdicts[index])
    const refused = docs.filter((_, index) => !verdicts[index]).map((document) => deny(document, 'admit'))
    for (const document of admitted) options.onAdmitted(document)
    const failures: Denied[] = []
    for (const [index, part] of partsOf(admitted, ({ _revisions }) => _revisions.ids.length, TURN_REVISIONS_MAX).entries()) {
      if (index > 0) await options.turn()
      failures.push(...(await store(part)))
    }
    return [...refused, ...failures]
  }

  async function revsDiff(asked: Readonly<Record<string, readonly string[]>>): Promise<object> {
    const missing = {}
    const parts = partsOf(Object.entries(asked), ([, [winner = '']]) => treeWeight(winner), TURN_REVISIONS_MAX)
    for (const [index, part] of parts.entries()) {
      if (index > 0) await options.turn()
      Object.assign(missing, await database.revsDiff(Object.fromEntries(part)))
    }
    return missing
  }

  /** PouchDB throws a whole batch away for one document that it does not like; then each is written alone. */
  async function store(documents: readonly CheckedDocument[]): Promise<Denied[]> {
    if (documents.length === 0) return []
    try {
      const failures = await write(documents)
      options.onStored(documents.filter((document) => !failures.some(({ id }) => id === document._id)).map(withoutAncestry))
      return failures
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [document] = documents
      if (documents.length === 1 && document) return [deny(document, 'invalid')]
      const failures: Denied[] = []
      for (const one of documents) failures.push(...(await store([one])))
      return failures
    }
  }

  async function write(documents: readonly CheckedDocument[]): Promise<Denied[]> {
    const results = await database.bulkDocs({ docs: documents.map(copyOf), new_edits: false })
    const failed = new Set(results.map(failedId).filter((id) => id !== undefined))
    return documents.filter(({ _id }) => failed.has(_id)).map((document) => deny(document, 'invalid'))
  }

  function deny(document: CheckedDocument, refusal: Refusal): Denied {
    options.onRefused(withoutAncestry(document), refusal)
    return { id: document._id, error: 'forbidden', name: 'forbidden', status: 403, message: refusal }
  }

  const readCheckpoint = (id: string) =>
    database.get(id).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined
      throw error
    })

  return {
    adapter: 'admitting',
    once() {},
    removeListener() {},
    id: () => database.id(),
    revsDiff,
    bulkDocs,

    /** The checkpoint, if it is of this very origin. */
    async get(id: string): Promise<PouchDocument> {
      const stored = await readCheckpoint(id)
      if (stored && stored.peer === origin.peer && stored.database === origin.database) return stored
      throw Object.assign(new Error('missing'), { status: 404, name: 'not_found' })
    },

    async put(checkpoint: Checkpoint): Promise<unknown> {
      // A peer that has told nothing leaves nothing behind.
      if (checkpoint.last_seq === 0) return { ok: true }
      const stored = await readCheckpoint(checkpoint._id)
      return database.put({ ...checkpoint, ...origin, ...(stored ? { _rev: stored._rev } : {}) })
    },
  }
}

/** PouchDB's adapters put binaries into the attachments that they are handed. */
function copyOf(document: CheckedDocument): object {
  if (!document._attachments) return { ...document }
  const attachments = Object.entries(document._attachments).map(([name, attachment]) => [name, { ...attachment }])
  return { ...document, _attachments: Object.fromEntries(attachments) }
}

/** The document itself is at fault, not the database: a bad request, a failed condition, too large. */
function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  return status !== undefined && [400, 403, 412, 413].includes(status)
}

function failedId(result: unknown): string | undefined {
  const { id, error } = (result ?? {}) as { id?: unknown; error?: unknown }
  return error && typeof id === 'string' ? id : undefined
}
