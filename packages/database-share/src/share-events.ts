import type { PeerId, SwarmError } from '@resilient-swarm/contract'
import type { PouchDocument } from './database.ts'
import type { Refusal } from './document.ts'
import type { ShareErrorCode } from './share-error.ts'

/** Whether a document may be stored. `peer` is who hands it on, which need not be who wrote it. */
export type AdmitDocument = (document: PouchDocument, peer: PeerId) => boolean | Promise<boolean>

/** Documents of a peer's that were stored; the fields are those of PouchDB's own `change`. */
export interface SharedChange {
  readonly direction: 'pull'
  readonly peer: PeerId
  readonly change: {
    readonly docs: readonly PouchDocument[]
    readonly docs_read: number
    readonly docs_written: number
    readonly doc_write_failures: number
    readonly pending?: number
  }
}

/** A document that stays out, and why; it is not asked for again until its author changes it. */
export interface DeniedDocument {
  readonly direction: 'pull'
  readonly peer: PeerId
  readonly doc: {
    readonly id: string
    readonly rev: string | undefined
    readonly name: 'forbidden'
    readonly status: 403
    readonly reason: Refusal
  }
}

export interface ShareSummary {
  readonly docs_read: number
  readonly docs_written: number
  readonly doc_write_failures: number
}

/** What happens to a shared database, named as in PouchDB's `sync`. */
export interface ShareEvents {
  change: [change: SharedChange]
  denied: [denied: DeniedDocument]
  /** There is something to fetch from this peer. */
  active: [peer: PeerId]
  /** All that is connected has been fetched; `error` when the last peer who had more was lost. */
  paused: [error: SwarmError | undefined]
  /** Something a user should know. Sharing goes on, except when the database is gone. */
  error: [error: SwarmError<ShareErrorCode>]
  /** Sharing has ended. Once, and the last event. */
  complete: [summary: ShareSummary]
}
