import type { Verdict } from './admission.ts'
import { documentIdOf } from './record-envelope.ts'
import type { RemoteView, Row } from './remote-view.ts'

export interface AdmittingDatabaseOptions {
  /** Tells our table apart from every other, for the replicator's checkpoint id. */
  readonly id: string
  readonly view: RemoteView
  /** The way in; resolves when what was admitted is stored. */
  readonly admit: (documents: readonly unknown[]) => Promise<readonly Verdict[]>
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
  readonly id: string
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
        const documentId = documentIdOf(row.id)
        const revisions = asked[documentId]
        if (revisions && isWanted(row)) missing[documentId] = { missing: revisions }
      }
      return missing
    },

    async bulkDocs({ docs }: { docs: readonly unknown[] }): Promise<Denied[]> {
      const verdicts = await admit(docs)
      return verdicts.flatMap(({ id: documentId, refusal }) =>
        refusal ? [{ id: documentId, error: 'forbidden', name: 'forbidden', status: 403, message: refusal }] : [],
      )
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
