import type { Refusal } from './admission.ts'
import type { ReceivedDocument } from './remote-database.ts'
import type { Received, RemoteView, Row } from './remote-view.ts'
import type { ShortName } from './short-name.ts'

export interface AdmittingDatabaseOptions {
  /** Tells our table apart from every other, for the replicator's checkpoint id. */
  readonly id: string
  readonly view: RemoteView
  /** The way in; resolves when what was admitted is stored. One answer each. */
  readonly admit: (received: readonly Received[], isNews: boolean) => Promise<readonly (Refusal | undefined)[]>
  /** Whether the table lacks what a row tells of. */
  readonly isWanted: (row: Row) => boolean
  /** Everything up to this place of the peer's feed is stored. */
  readonly onCheckpoint: (feedSeq: number) => void
}

interface Checkpoint {
  readonly _id: string
  readonly last_seq: number
}

/** What PouchDB's replicator understands as: this document never, the others yes. */
interface Denied {
  readonly id: ShortName
  readonly error: 'forbidden'
  readonly name: 'forbidden'
  readonly status: 403
  readonly message: string
}

/**
 * Our table as PouchDB's replicator sees a target database: writing goes through the admission, what is missing is told from
 * memory, and the checkpoint stays on our side.
 */
export function createAdmittingDatabase({ id, view, admit, isWanted, onCheckpoint }: AdmittingDatabaseOptions): object {
  let checkpoint: Checkpoint | undefined
  return {
    adapter: 'peer-table',
    once() {},
    removeListener() {},
    id: async () => id,

    async revsDiff(asked: Readonly<Record<string, readonly string[]>>) {
      const missing: Record<string, { missing: readonly string[] }> = {}
      for (const row of view.rowsAfter(0)) {
        const revisions = asked[row.name]
        if (revisions && isWanted(row)) missing[row.name] = { missing: revisions }
      }
      return missing
    },

    async bulkDocs({ docs }: { docs: readonly ReceivedDocument[] }): Promise<Denied[]> {
      const isNews = docs.every((document) => document.isNews)
      const refusals = await admit(
        docs.map(({ received }) => received),
        isNews,
      )
      return docs.flatMap(({ _id }, at) => {
        const refusal = refusals[at]
        return refusal ? [{ id: _id, error: 'forbidden', name: 'forbidden', status: 403, message: refusal }] : []
      })
    },

    async get(documentId: string): Promise<Checkpoint> {
      if (checkpoint) return { ...checkpoint }
      await view.info
      if (view.since > 0) return { _id: documentId, last_seq: view.since }
      throw Object.assign(new Error('missing'), { status: 404, name: 'not_found' })
    },

    async put(document: Checkpoint): Promise<{ ok: true }> {
      checkpoint = document
      onCheckpoint(document.last_seq)
      return { ok: true }
    },
  }
}
