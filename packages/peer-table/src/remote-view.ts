import { encodeHex, type SwarmError } from '@resilient-swarm/contract'
import type { Digest } from './digest.ts'
import { FEED_BYTES_MAX, FEED_CHANGES_MAX, RECORD_BYTES_MAX } from './limits.ts'
import type { RecordProof, UnverifiedRecord } from './record-envelope.ts'
import { type ShortName, shortNameOf } from './short-name.ts'
import { tableError } from './table-error.ts'
import { type Change, checkOf, encodeViewMessage, type ViewMessage } from './view-messages.ts'

/** What came as an envelope: read, or why it cannot be. */
export type Received = UnverifiedRecord | 'size' | 'shape'

/** A change of the remote table, as far as it can be believed: that there is a key, and something newer of it. */
export interface Row {
  readonly feedSeq: number
  readonly name: ShortName
  /** 0 where an envelope came that is no record. */
  readonly seq: number
  /** Two bytes of its signature. */
  readonly check: number
  /** Undefined where only the name came. */
  readonly received?: Received
}

export interface RemoteInfo {
  readonly instance: string
  readonly feedSeq: number
  readonly count: number
}

/** Where to begin, and what need not be told. */
export interface Subscription {
  readonly since: number
  readonly ahead: number
  readonly digest?: Digest
}

export interface RemoteViewOptions {
  readonly proof: RecordProof
  readonly send: (message: Uint8Array) => void
  /** Something was asked: an answer is due. */
  readonly onAsked?: () => void
  /** Told as it comes, before anybody took it. `isLive`: it is news. False: nobody needs it. */
  readonly isWanted: (row: Row, isLive: boolean) => boolean
  /** Up to here nothing is wanted, and nothing waits to be stored. */
  readonly onNothingWanted: (feedSeq: number) => void
}

/** The peer's side of a view: what it pushed and we have not stored yet, and answers to what we ask. */
export interface RemoteView {
  readonly info: Promise<RemoteInfo>
  /** The same, as soon as it is here. */
  readonly told: RemoteInfo | undefined
  /** The newest place that the peer told of. */
  readonly feedSeq: number
  /** Where this reading began; behind it the rows stand. */
  readonly since: number
  /** Whether everything older than the subscription is here. */
  readonly isCaughtUp: boolean
  /** Whether all that came is stored. */
  readonly isSettled: boolean
  /** Whether the peer has yet to say who it is, or to answer. */
  readonly isAwaited: boolean
  /** Once, after the info. */
  subscribe(subscription: Subscription): void
  rowsAfter(feedSeq: number, limit?: number): readonly Row[]
  /** Whether a row was told after the view had caught up. */
  isLive(row: Row): boolean
  /** Calls back when rows came or the view caught up, until the returned function is called. */
  onProgress(listener: () => void): () => void
  /** Records of those of the peers that the remote has, by their names. */
  fetch(names: readonly ShortName[]): Promise<ReadonlyMap<ShortName, UnverifiedRecord>>
  /** Everything up to this place is stored; the peer need not know yet. */
  settle(feedSeq: number): void
  /** Says so to the peer. */
  done(feedSeq: number): void
  /** What the peer tells. False: it broke the protocol. */
  receive(message: ViewMessage): boolean
  close(): void
}

interface Fetch {
  readonly request: number
  readonly wanted: ReadonlySet<ShortName>
  readonly found: Map<ShortName, UnverifiedRecord>
  readonly resolve: (found: ReadonlyMap<ShortName, UnverifiedRecord>) => void
  readonly reject: (error: SwarmError) => void
}

export function createRemoteView(options: RemoteViewOptions): RemoteView {
  const { proof, send } = options
  const rows: Row[] = []
  const listeners = new Set<() => void>()
  const fetches: Fetch[] = []
  let rowBytes = 0
  let since: number | undefined
  let feedSeq = 0
  let doneSeq = 0
  let caughtUpSeq: number | undefined
  let requests = 0
  let told: RemoteInfo | undefined
  let closed = false
  let resolveInfo: (info: RemoteInfo) => void = () => {}
  const info = new Promise<RemoteInfo>((resolve) => {
    resolveInfo = resolve
  })

  function receiveInfo(message: Extract<ViewMessage, { type: 'info' }>): boolean {
    if (told) return false
    told = { instance: encodeHex(message.instance), feedSeq: message.feedSeq, count: message.count }
    resolveInfo(told)
    return true
  }

  function receiveChanges(changes: readonly Change[]): boolean {
    if (since === undefined) return false
    const isLive = caughtUpSeq !== undefined
    for (const change of changes) {
      feedSeq += change.step
      if (!Number.isSafeInteger(feedSeq)) return false
      const row = readRow(change, feedSeq)
      const isWanted = options.isWanted(row, isLive)
      if (!isWanted && rows.length === 0) continue
      rows.push(row)
      rowBytes += bytesOf(row)
      // No more comes than there is room for.
      if (rows.length > FEED_CHANGES_MAX || rowBytes > FEED_BYTES_MAX + 2 * RECORD_BYTES_MAX) return false
    }
    if (rows.length === 0) options.onNothingWanted(feedSeq)
    return true
  }

  function readRow(change: Change, place: number): Row {
    if (!('envelope' in change)) return { feedSeq: place, name: change.name, seq: change.seq, check: change.check }
    const check = checkOf(change.envelope)
    const received = proof.read(change.envelope)
    if (typeof received === 'string') return { feedSeq: place, name: shortNameOf(change.envelope), seq: 0, check, received }
    return { feedSeq: place, name: received.name, seq: received.payload.seq, check, received }
  }

  function receiveCaughtUp(place: number): boolean {
    if (since === undefined || caughtUpSeq !== undefined || place < feedSeq) return false
    caughtUpSeq = place
    feedSeq = place
    return true
  }

  function receiveDocuments({ request, last, envelopes }: Extract<ViewMessage, { type: 'documents' }>): boolean {
    const fetch = fetches[0]
    if (!fetch || fetch.request !== request) return false
    for (const envelope of envelopes) {
      const read = proof.read(envelope)
      // An envelope that is no record, one that was not asked for, or a second one of a name.
      if (typeof read === 'string' || !fetch.wanted.has(read.name) || fetch.found.has(read.name)) return false
      fetch.found.set(read.name, read)
    }
    if (!last && envelopes.length === 0) return false
    if (last) {
      fetches.shift()
      fetch.resolve(fetch.found)
    }
    return true
  }

  function settle(place: number): void {
    while (rows[0] && rows[0].feedSeq <= place) rowBytes -= bytesOf(rows.shift() as Row)
  }

  return {
    info,
    get told() {
      return told
    },
    get feedSeq() {
      return feedSeq
    },
    get since() {
      return since ?? 0
    },
    get isCaughtUp() {
      return caughtUpSeq !== undefined
    },
    get isSettled() {
      return caughtUpSeq !== undefined && rows.length === 0
    },
    get isAwaited() {
      return !told || fetches.length > 0
    },
    subscribe(subscription) {
      since = subscription.since
      feedSeq = since
      doneSeq = since
      send(encodeViewMessage({ type: 'subscribe', ...subscription }))
    },
    rowsAfter(place, limit = FEED_CHANGES_MAX) {
      const start = rows.findIndex((row) => row.feedSeq > place)
      return start < 0 ? [] : rows.slice(start, start + limit)
    },
    isLive: (row) => caughtUpSeq !== undefined && row.feedSeq > caughtUpSeq,
    onProgress(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    fetch(names) {
      return new Promise((resolve, reject) => {
        if (closed) return reject(tableError('ERR_TABLE_CLOSED'))
        const request = ++requests
        fetches.push({ request, wanted: new Set(names), found: new Map(), resolve, reject })
        send(encodeViewMessage({ type: 'bulkGet', request, names }))
        options.onAsked?.()
      })
    },
    settle,
    done(place) {
      if (closed || since === undefined || place <= doneSeq) return
      doneSeq = place
      settle(place)
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

function bytesOf({ received }: Row): number {
  return typeof received === 'object' ? received.envelope.byteLength : 0
}
