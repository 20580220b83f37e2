import { encodeJson } from './bounded-json.ts'
import type { ChangeRow, ChangesResult, Place, PouchDatabase, RevisedDocument } from './database.ts'
import { trimAncestry } from './document.ts'
import { partsOf, treeWeight } from './heavy-parts.ts'
import {
  CHANGES_BYTES_MAX,
  FOUND_BYTES_AIM,
  LEAVES_MAX,
  QUESTIONS_MAX,
  READ_BYTES_AIM,
  READ_DOCUMENTS_MAX,
  TURN_REVISIONS_MAX,
} from './limits.ts'
import {
  type Answer,
  encodeFound,
  encodeMessage,
  isDocumentId,
  parseRevision,
  type Question,
  type Row,
  type Wanted,
} from './messages.ts'

export interface ServedDatabaseOptions {
  readonly database: PouchDatabase
  /** `database.changes`, when it is its turn. */
  readonly readChanges: (options: Record<string, unknown>) => Promise<ChangesResult>
  /** Whether the peer has to be told of these leaves of a document. */
  readonly isNews: (id: string, revisions: readonly string[]) => boolean
  /** Calls back whenever something changed, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void
  /** Resolves when there is room for the next. */
  readonly send: (answer: Uint8Array) => Promise<void>
  /** Lets everything else have its turn. */
  readonly turn: () => Promise<void>
  /** Our own database failed. */
  readonly onFailed: (cause: unknown) => void
}

/** Our side of a reading: the peer asks, we answer one question of each kind at a time, no faster than it reads. */
export interface ServedDatabase {
  /** False: the question breaks the protocol. */
  receive(question: Question): boolean
  readonly documentsSent: number
  close(): void
}

type ChangesQuestion = Extract<Question, { type: 'changes' }>
type DocumentsQuestion = Extract<Question, { type: 'documents' }>

export function serveDatabase({
  database,
  readChanges,
  isNews,
  onChange,
  send,
  turn,
  onFailed,
}: ServedDatabaseOptions): ServedDatabase {
  let documentBytesMax: number | undefined
  const underWay = { changes: 0, documents: 0 }
  let waiting: ChangesQuestion | undefined
  let hasRung = false
  let documentsSent = 0
  /** Grows while documents are small. */
  let readMax = 1
  let closed = false
  const forget = onChange(() => {
    hasRung = true
    const question = waiting
    waiting = undefined
    if (question) void answerChanges(question)
  })

  const answer = (message: Answer) => send(encodeMessage(message))

  async function answerChanges(question: ChangesQuestion): Promise<void> {
    underWay.changes++
    try {
      let { since } = question
      do {
        hasRung = false
        const { rows, last, isEnd } = await readRows({ readChanges, isNews }, { ...question, since })
        if (closed) return
        if (rows.length > 0 || !question.wait) {
          const pending = isEnd ? 0 : await countAfter(database, last)
          return await answer({ type: 'rows', request: question.request, rows, last, pending })
        }
        since = last
      } while (hasRung)
      waiting = { ...question, since }
    } catch (cause) {
      if (!closed) onFailed(cause)
    } finally {
      underWay.changes--
    }
  }

  /** Tells documents, the small ones together; `bytes` are those of all, told or gathered. */
  function createTeller(request: number) {
    let gathered: Uint8Array[] = []
    let gatheredBytes = 0
    let toldBytes = 0

    async function flush(): Promise<void> {
      if (gathered.length === 0) return
      const message = encodeFound(request, gathered)
      toldBytes += message.byteLength
      documentsSent += gathered.length
      gathered = []
      gatheredBytes = 0
      await send(message)
    }

    return {
      get bytes() {
        return toldBytes + gatheredBytes
      },
      flush,
      async tell(document: RevisedDocument): Promise<void> {
        const json = encodeJson(trimAncestry(document))
        if (json.byteLength > (documentBytesMax ?? 0)) return answer({ type: 'large', request, id: document._id })
        if (gatheredBytes + json.byteLength > FOUND_BYTES_AIM) await flush()
        gathered.push(json)
        gatheredBytes += json.byteLength
      },
    }
  }

  async function answerDocuments({ request, wanted, bytesMax }: DocumentsQuestion): Promise<void> {
    underWay.documents++
    try {
      const teller = createTeller(request)
      let place = 0
      while (place < wanted.length && teller.bytes < bytesMax && !closed) {
        const next = wanted.slice(place, place + readMax)
        const [part = next] = partsOf(next, ([, revision]) => treeWeight(revision), TURN_REVISIONS_MAX)
        if (part.length < next.length) await turn()
        const before = teller.bytes
        let looked = 0
        const entries = await readDocuments(database, part)
        for (const { ok } of entries) {
          if (teller.bytes >= bytesMax || closed) break
          looked++
          if (ok) await teller.tell(ok)
        }
        place += looked < entries.length ? looked : part.length
        readMax = teller.bytes - before > READ_BYTES_AIM ? Math.max(1, readMax >> 1) : Math.min(READ_DOCUMENTS_MAX, readMax * 2)
      }
      await teller.flush()
      await answer({ type: 'end', request, left: wanted.length - place })
    } catch (cause) {
      if (!closed) onFailed(cause)
    } finally {
      underWay.documents--
    }
  }

  return {
    get documentsSent() {
      return documentsSent
    },
    receive(question) {
      if (question.type === 'open') {
        if (documentBytesMax !== undefined) return false
        documentBytesMax = question.documentBytesMax
        return true
      }
      if (documentBytesMax === undefined) return false
      if (question.type === 'documents') {
        if (underWay.documents >= QUESTIONS_MAX) return false
        void answerDocuments(question)
        return true
      }
      if (underWay.changes >= QUESTIONS_MAX) return false
      waiting = undefined
      void answerChanges(question)
      return true
    },
    close() {
      closed = true
      waiting = undefined
      forget()
    },
  }
}

/** A page of what changed and may be told, as long as one message takes; `isEnd`: there was nothing behind it. */
async function readRows(
  { readChanges, isNews }: Pick<ServedDatabaseOptions, 'readChanges' | 'isNews'>,
  { since, limit }: ChangesQuestion,
): Promise<{ rows: Row[]; last: Place; isEnd: boolean }> {
  let last = since
  for (;;) {
    const page = await readChanges({ since: last, limit, style: 'all_docs', return_docs: true })
    const rows: Row[] = []
    let bytes = 0
    for (const change of page.results) {
      const told = toRow(change)
      const row = told && isNews(told[0], told[2]) ? told : undefined
      const rowBytes = row ? JSON.stringify(row).length : 0
      if (rows.length > 0 && bytes + rowBytes > CHANGES_BYTES_MAX) return { rows, last, isEnd: false }
      last = change.seq
      bytes += rowBytes
      if (row) rows.push(row)
    }
    const isEnd = page.results.length < limit
    if (isEnd) last = page.last_seq
    if (rows.length > 0 || isEnd) return { rows, last, isEnd }
  }
}

/** Undefined for what is not shared: design documents, and what no reader takes. */
function toRow({ id, seq, changes }: ChangeRow): Row | undefined {
  const revisions = changes.map(({ rev }) => rev).filter((rev) => parseRevision(rev) !== undefined)
  return isDocumentId(id) && revisions.length > 0 ? [id, seq, revisions.slice(0, LEAVES_MAX)] : undefined
}

/** An entry for each revision asked for; one without a document where that is gone, or was compacted. */
async function readDocuments(database: PouchDatabase, wanted: readonly Wanted[]): Promise<{ readonly ok?: RevisedDocument }[]> {
  const docs = wanted.map(([id, rev]) => ({ id, rev }))
  const { results } = await database.bulkGet({ docs, revs: true, latest: true, attachments: true })
  return results.flatMap((result) => result.docs)
}

async function countAfter(database: PouchDatabase, place: Place): Promise<number | null> {
  const { update_seq } = await database.info()
  return typeof update_seq === 'number' && typeof place === 'number' ? Math.max(0, update_seq - place) : null
}
