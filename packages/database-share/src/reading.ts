import type { Clock, Scope, SwarmError } from '@resilient-swarm/contract'
import type { Place } from './database.ts'
import { ANSWER_PROGRESS_BYTES, ANSWER_TIMEOUT_MS } from './limits.ts'
import { type Answer, encodeMessage, type Question, type Row, type Wanted } from './messages.ts'
import { shareError } from './share-error.ts'

export interface ReadingOptions {
  readonly clock: Clock
  readonly scope: Scope
  readonly send: (question: Uint8Array) => void
  readonly onSilent: () => void
}

export interface Rows {
  readonly rows: readonly Row[]
  readonly last: Place
  readonly pending: number | null
}

export interface Documents {
  readonly documents: readonly unknown[]
  /** Ids of documents that are larger than we take. */
  readonly large: readonly string[]
  /** How many of those wanted were not looked at. */
  readonly left: number
  readonly bytes: number
}

/** Our side of reading a peer's database: one question of each kind at a time, and an answer to it within its time. */
export interface Reading {
  /** A question that waits at the peer gives way to the next one; one that is being answered is waited for. */
  changes(question: { since: Place; limit: number; wait: boolean }): Promise<Rows>
  documents(question: { wanted: readonly Wanted[]; bytesMax: number }): Promise<Documents>
  /** What the peer answers, and the bytes it took. False: it answers what was not asked. */
  receive(answer: Answer, bytes: number): boolean
  /** Bytes of an answer that is not whole yet. */
  progress(bytes: number): void
  close(): void
}

interface AskedChanges {
  readonly request: number
  readonly question: { readonly since: Place; readonly limit: number; readonly wait: boolean }
  readonly resolve: (rows: Rows) => void
  readonly reject: (error: SwarmError) => void
}

interface AskedDocuments {
  readonly request: number
  readonly wanted: ReadonlyMap<string, number>
  readonly bytesMax: number
  readonly found: unknown[]
  readonly told: Map<string, number>
  readonly large: string[]
  bytes: number
  readonly resolve: (documents: Documents) => void
  readonly reject: (error: SwarmError) => void
}

export function createReading({ clock, scope, send, onSilent }: ReadingOptions): Reading {
  let requests = 0
  let changes: AskedChanges | undefined
  let documents: AskedDocuments | undefined
  let whenChangesFree: Promise<unknown> = Promise.resolve()
  let whenDocumentsFree: Promise<unknown> = Promise.resolve()
  let timer: { cancel(): void } | undefined
  let heardBytes = 0
  let closed = false

  const ask = (question: Question) => send(encodeMessage(question))

  /** One timer for whatever the peer owes us now. */
  function expect(): void {
    timer?.cancel()
    timer = undefined
    heardBytes = 0
    if (documents || (changes && !changes.question.wait)) timer = scope.timer(clock, ANSWER_TIMEOUT_MS, onSilent)
  }

  function askChanges(question: AskedChanges['question']): Promise<Rows> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(shareError('ERR_SHARE_CLOSED'))
      const request = ++requests
      changes = { request, question, resolve, reject }
      ask({ type: 'changes', request, ...question })
      expect()
    })
  }

  function askDocuments(wanted: readonly Wanted[], bytesMax: number): Promise<Documents> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(shareError('ERR_SHARE_CLOSED'))
      const request = ++requests
      const counts = new Map<string, number>()
      for (const [id] of wanted) counts.set(id, (counts.get(id) ?? 0) + 1)
      documents = { request, wanted: counts, bytesMax, found: [], told: new Map(), large: [], bytes: 0, resolve, reject }
      ask({ type: 'documents', request, wanted, bytesMax })
      expect()
    })
  }

  function receiveRows({ request, rows, last, pending }: Extract<Answer, { type: 'rows' }>): boolean {
    // An answer that crossed the question which took its place.
    if (!changes || request < changes.request) return request <= requests
    if (request !== changes.request || rows.length > changes.question.limit) return false
    if (!isOrderly(changes.question, rows, last)) return false
    const { resolve } = changes
    changes = undefined
    resolve({ rows, last, pending })
    return true
  }

  /** A document or a word on one, of those asked for and no more of each than were. */
  function receiveOne({ told, wanted }: AskedDocuments, id: unknown): boolean {
    if (typeof id !== 'string') return false
    const count = (told.get(id) ?? 0) + 1
    told.set(id, count)
    return count <= (wanted.get(id) ?? 0)
  }

  function receiveFound({ request, documents: found }: Extract<Answer, { type: 'found' }>, bytes: number): boolean {
    const asked = documents
    if (!asked || request !== asked.request || asked.bytes >= asked.bytesMax) return false
    asked.bytes += bytes
    asked.found.push(...found)
    return found.every((document) => receiveOne(asked, (document as { _id?: unknown } | null)?._id))
  }

  function receiveLarge({ request, id }: Extract<Answer, { type: 'large' }>): boolean {
    if (!documents || request !== documents.request || !receiveOne(documents, id)) return false
    documents.large.push(id)
    return true
  }

  function receiveEnd({ request, left }: Extract<Answer, { type: 'end' }>): boolean {
    if (!documents || request !== documents.request) return false
    const { found, large, bytes, resolve } = documents
    documents = undefined
    resolve({ documents: found, large, left, bytes })
    return true
  }

  function receive(answer: Answer, bytes: number): boolean {
    switch (answer.type) {
      case 'rows':
        return receiveRows(answer)
      case 'found':
        return receiveFound(answer, bytes)
      case 'large':
        return receiveLarge(answer)
      case 'end':
        return receiveEnd(answer)
    }
  }

  return {
    changes(question) {
      if (changes?.question.wait) {
        changes.reject(shareError('ERR_SHARE_CLOSED'))
        changes = undefined
        whenChangesFree = Promise.resolve()
      }
      const asked = whenChangesFree.then(() => askChanges(question))
      whenChangesFree = asked.catch(() => {})
      return asked
    },
    documents({ wanted, bytesMax }) {
      const asked = whenDocumentsFree.then(() => askDocuments(wanted, bytesMax))
      whenDocumentsFree = asked.catch(() => {})
      return asked
    },
    receive(answer, bytes) {
      if (!receive(answer, bytes)) return false
      // Documents count by their bytes: who drips small ones is as silent as who drips a large one.
      if (answer.type === 'rows' || answer.type === 'end') expect()
      return true
    },
    progress(bytes) {
      heardBytes += bytes
      if (heardBytes >= ANSWER_PROGRESS_BYTES) expect()
    },
    close() {
      closed = true
      timer?.cancel()
      changes?.reject(shareError('ERR_SHARE_CLOSED'))
      documents?.reject(shareError('ERR_SHARE_CLOSED'))
      changes = undefined
      documents = undefined
    },
  }
}

/** Places only grow, where they are numbers; and an answer that says nothing is no reason to ask on. */
function isOrderly({ since, wait }: AskedChanges['question'], rows: readonly Row[], last: Place): boolean {
  if (wait && rows.length === 0) return false
  let place = since
  for (const [, seq] of rows) {
    if (typeof seq === 'number' && typeof place === 'number' && seq <= place) return false
    place = seq
  }
  return !(typeof last === 'number' && typeof place === 'number') || last >= place
}
