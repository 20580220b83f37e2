import { encodeHex, type PeerId, type SwarmError } from '@resilient-swarm/contract'
import { FEED_BYTES_MAX, FEED_CHANGES_MAX, RECORD_BYTES_MAX } from './limits.ts'
import { nameOf } from './peer-record.ts'
import type { RecordProof } from './record-envelope.ts'
import { tableError } from './table-error.ts'
import { type Change, encodeViewMessage, type ViewMessage } from './view-messages.ts'

/** A change of the remote table, as far as it can be believed: that there is a key, and something newer of it. */
export interface Row {
  readonly feedSeq: number
  readonly id: PeerId
  readonly key: Uint8Array
  readonly seq: number
  readonly envelope?: Uint8Array
}

export interface RemoteInfo {
  readonly instance: string
  readonly feedSeq: number
  readonly count: number
}

export interface RemoteViewOptions {
  /** Where the last replication with this peer ended, if there was one. */
  readonly from: { readonly instance: Uint8Array; readonly feedSeq: number }
  readonly proof: RecordProof
  readonly full: boolean
  readonly send: (message: Uint8Array) => void
  /** Something was asked: an answer is due. */
  readonly onAsked?: () => void
}

/** The peer's side of a view: what it pushed and we have not stored yet, and answers to what we ask. */
export interface RemoteView {
  readonly info: Promise<RemoteInfo>
  /** The newest place that the peer told of. */
  readonly feedSeq: number
  /** Where this reading began; behind it the rows stand. */
  readonly since: number
  /** Whether everything older than the subscription is here. */
  readonly isCaughtUp: boolean
  /** Whether the peer has yet to say who it is, or to answer. */
  readonly isAwaited: boolean
  rowsAfter(feedSeq: number, limit?: number): readonly Row[]
  /** Calls back when rows came or the view caught up, until the returned function is called. */
  onProgress(listener: () => void): () => void
  /** Envelopes of those of the peers that the remote has, by their claimed id. */
  fetch(ids: readonly { readonly id: PeerId; readonly key: Uint8Array }[]): Promise<ReadonlyMap<PeerId, Uint8Array>>
  /** Everything up to this place is stored. */
  done(feedSeq: number): void
  /** What the peer tells. False: it broke the protocol. */
  receive(message: ViewMessage): boolean
  close(): void
}

interface Fetch {
  readonly request: number
  readonly wanted: ReadonlySet<PeerId>
  readonly found: Map<PeerId, Uint8Array>
  readonly resolve: (found: ReadonlyMap<PeerId, Uint8Array>) => void
  readonly reject: (error: SwarmError) => void
}

export function createRemoteView({ from, proof, full, send, onAsked }: RemoteViewOptions): RemoteView {
  const rows: Row[] = []
  const listeners = new Set<() => void>()
  const fetches: Fetch[] = []
  let rowBytes = 0
  let since = 0
  let feedSeq = 0
  let doneSeq = 0
  let caughtUp = false
  let requests = 0
  let told: RemoteInfo | undefined
  let closed = false
  let resolveInfo: (info: RemoteInfo) => void = () => {}
  const info = new Promise<RemoteInfo>((resolve) => {
    resolveInfo = resolve
  })
  send(encodeViewMessage({ type: 'subscribe', instance: from.instance, since: from.feedSeq, full }))

  function receiveInfo(message: Extract<ViewMessage, { type: 'info' }>): boolean {
    if (told) return false
    const instance = encodeHex(message.instance)
    since = instance === encodeHex(from.instance) ? from.feedSeq : 0
    feedSeq = since
    doneSeq = since
    told = { instance, feedSeq: message.feedSeq, count: message.count }
    resolveInfo(told)
    return true
  }

  function receiveChanges(changes: readonly Change[]): boolean {
    for (const change of changes) {
      const row = readRow(change)
      // The place only grows, and no more comes than there is room for.
      if (!told || row.feedSeq <= feedSeq) return false
      rows.push(row)
      rowBytes += bytesOf(row)
      feedSeq = row.feedSeq
      if (rows.length > FEED_CHANGES_MAX || rowBytes > FEED_BYTES_MAX + 2 * RECORD_BYTES_MAX) return false
    }
    return true
  }

  function receiveCaughtUp(place: number): boolean {
    if (!told || caughtUp || place < feedSeq) return false
    caughtUp = true
    feedSeq = place
    return true
  }

  function receiveDocuments({ request, last, envelopes }: Extract<ViewMessage, { type: 'documents' }>): boolean {
    const fetch = fetches[0]
    if (!fetch || fetch.request !== request) return false
    for (const envelope of envelopes) {
      const read = proof.read(envelope)
      // An envelope that is no record, one that was not asked for, or the same one twice.
      if (typeof read === 'string' || !fetch.wanted.has(read.id) || fetch.found.has(read.id)) return false
      fetch.found.set(read.id, envelope)
    }
    if (!last && envelopes.length === 0) return false
    if (last) {
      fetches.shift()
      fetch.resolve(fetch.found)
    }
    return true
  }

  return {
    info,
    get feedSeq() {
      return feedSeq
    },
    get since() {
      return since
    },
    get isCaughtUp() {
      return caughtUp
    },
    get isAwaited() {
      return !told || fetches.length > 0
    },
    rowsAfter(place, limit = FEED_CHANGES_MAX) {
      const start = rows.findIndex((row) => row.feedSeq > place)
      return start < 0 ? [] : rows.slice(start, start + limit)
    },
    onProgress(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    fetch(ids) {
      return new Promise((resolve, reject) => {
        if (closed) return reject(tableError('ERR_TABLE_CLOSED'))
        const request = ++requests
        fetches.push({ request, wanted: new Set(ids.map(({ id }) => id)), found: new Map(), resolve, reject })
        send(encodeViewMessage({ type: 'bulkGet', request, keys: ids.map(({ key }) => key) }))
        onAsked?.()
      })
    },
    done(place) {
      if (closed || place <= doneSeq) return
      doneSeq = place
      while (rows[0] && rows[0].feedSeq <= place) rowBytes -= bytesOf(rows.shift() as Row)
      send(encodeViewMessage({ type: 'done', feedSeq: place }))
    },
    receive(message) {
      let isOrderly = false
      if (message.type === 'info') isOrderly = receiveInfo(message)
      else if (message.type === 'changes') isOrderly = receiveChanges(message.changes)
      else if (message.type === 'caughtUp') isOrderly = receiveCaughtUp(message.feedSeq)
      else if (message.type === 'documents') isOrderly = receiveDocuments(message)
      if (isOrderly) for (const listener of [...listeners]) listener()
      return isOrderly
    },
    close() {
      closed = true
      for (const fetch of fetches.splice(0)) fetch.reject(tableError('ERR_TABLE_CLOSED'))
    },
  }
}

function readRow({ feedSeq, key, seq, envelope }: Change): Row {
  return { feedSeq, id: nameOf(key), key, seq, ...(envelope ? { envelope } : {}) }
}

function bytesOf(row: Row): number {
  return row.envelope?.byteLength ?? 0
}
