import { concatBytes, createNewestMap, encodeVarint, type PeerId } from '@resilient-swarm/contract'
import { compareDigest } from './digest.ts'
import { isExpired } from './expiry.ts'
import { BULK_GETS_MAX, FEED_BYTES_MAX, FEED_CHANGES_MAX, HEARD_MAX, RECORD_BYTES_MAX } from './limits.ts'
import type { FeedItem, PeerIndex } from './peer-index.ts'
import type { ShortName } from './short-name.ts'
import { checkOf, encodeChange, encodeViewMessage, VIEW_MESSAGE, type ViewMessage } from './view-messages.ts'

export interface ServedViewOptions {
  readonly index: PeerIndex
  /** Which life of our table this is. */
  readonly instance: Uint8Array
  readonly peer: PeerId
  /** What `Entry.via` says of records that this peer brought: they are not sent back. */
  readonly via: object
  readonly nowMs: () => number
  readonly messageBytesMax: number
  /** False: wait for `drained`. */
  readonly send: (message: Uint8Array) => boolean
  /** Whether news may be pushed this moment. */
  readonly takePush: () => boolean
  /** Something waits that is not pushed: `flush` after a while, soon if it only waits for its push. */
  readonly onGathering: (isSoon: boolean) => void
}

/** Our side of a view: read-only, pushed, and never more under way than the reader has room for. */
export interface ServedView {
  /** What the reader asks. False: it broke the protocol. */
  receive(message: ViewMessage): boolean
  /** Says who we are; the reader subscribes upon it. */
  begin(): void
  /** Whether new records go out at once and whole; else their names do, after a while. */
  setEager(eager: boolean): void
  /** Tells what was gathered. */
  flush(): void
  /** The reader has this of its own: it need not be told. */
  heard(record: HeardRecord): void
  drained(): void
  /** True when the reader has said that it stored everything we have. */
  readonly isDone: boolean
  close(): void
}

/** Of two bodies for one seq it is the other one that has to be told: by that an author finds a counter that it lost. */
interface HeardRecord {
  readonly name: ShortName
  readonly seq: number
  readonly check: number
}

interface UnderWay {
  readonly feedSeq: number
  readonly bytes: number
}

export function serveView(options: ServedViewOptions): ServedView {
  const { index, instance, peer, via, send } = options
  const underWay: UnderWay[] = []
  const gets: { request: number; envelopes: Uint8Array[] }[] = []
  const heard = createNewestMap<ShortName, HeardRecord>(HEARD_MAX)
  let isLacked: (item: FeedItem) => boolean = () => true
  let underWayBytes = 0
  let cursor: number | undefined
  let toldSeq = 0
  let tailSeq = 0
  /** What stands behind this place is still gathered. */
  let dueSeq = 0
  let ahead = 0
  let eager = true
  let caughtUp = false
  let begun = false
  let flowing = true
  let closed = false
  const forget = index.onChange(changed)

  function changed(item: FeedItem): void {
    if (cursor === undefined) return
    if (item.via === via) {
      if (dueSeq === item.feedSeq - 1) dueSeq = item.feedSeq
    } else if (!isPushed(item)) options.onGathering(false)
    else if (options.takePush()) {
      dueSeq = item.feedSeq
      pump()
    } else options.onGathering(true)
  }

  function pump(): void {
    while (flowing && !closed && (sendDocuments() || sendChanges())) {}
  }

  /** Part of the oldest unanswered `bulkGet`; false when there is none. */
  function sendDocuments(): boolean {
    const get = gets[0]
    if (!get) return false
    let bytes = RECORD_BYTES_MAX
    let count = 0
    for (; count < get.envelopes.length && bytes < options.messageBytesMax; count++)
      bytes += get.envelopes[count]?.byteLength ?? 0
    const envelopes = get.envelopes.splice(0, Math.max(1, count - 1))
    const last = get.envelopes.length === 0
    if (last) gets.shift()
    flowing = send(encodeViewMessage({ type: 'documents', request: get.request, last, envelopes }))
    return true
  }

  /** As many changes as one message and the reader's room hold; false when there are none. */
  function sendChanges(): boolean {
    if (cursor === undefined) return false
    const parts: Uint8Array[] = [encodeVarint(VIEW_MESSAGE.changes)]
    let bytes = 1
    let next = nextItem()
    if (next && next.feedSeq <= tailSeq && !isHalfFree()) return false
    for (; next && underWay.length < FEED_CHANGES_MAX && underWayBytes < FEED_BYTES_MAX; next = nextItem()) {
      // What stands behind the tail comes after the word that says so.
      if (!caughtUp && next.feedSeq > tailSeq) break
      const part = encodeItem(next)
      if (bytes + part.byteLength > options.messageBytesMax) break
      if (next.feedSeq <= tailSeq && ahead > 0) ahead--
      cursor = next.feedSeq
      toldSeq = cursor
      parts.push(part)
      bytes += part.byteLength
      underWay.push({ feedSeq: cursor, bytes: part.byteLength })
      underWayBytes += part.byteLength
    }
    if (parts.length > 1) {
      flowing = send(concatBytes(...parts))
      return true
    }
    if (caughtUp || (next && next.feedSeq <= tailSeq)) return false
    caughtUp = true
    cursor = Math.max(cursor, tailSeq)
    toldSeq = cursor
    flowing = send(encodeViewMessage({ type: 'caughtUp', feedSeq: cursor }))
    return true
  }

  /** A whole table is told half of the reader's room at a time: each message costs both ends a tenth of a millisecond. */
  function isHalfFree(): boolean {
    return underWay.length <= FEED_CHANGES_MAX / 2 && underWayBytes <= FEED_BYTES_MAX / 2
  }

  function encodeItem(item: FeedItem): Uint8Array {
    const step = item.feedSeq - toldSeq
    const isWhole = (item.feedSeq <= tailSeq ? ahead > 0 : isPushed(item)) || index.named(item.name) !== item
    return encodeChange(
      isWhole
        ? { step, envelope: item.envelope }
        : { step, name: item.name, check: checkOf(item.envelope), seq: item.record.seq },
    )
  }

  function isPushed(item: FeedItem): boolean {
    return eager && item.isNews
  }

  function nextItem(): FeedItem | undefined {
    const nowMs = options.nowMs()
    for (;;) {
      const item = cursor === undefined ? undefined : index.after(cursor)
      if (!item || item.feedSeq > dueSeq) return undefined
      if (!isWithheld(item, nowMs)) return item
      cursor = item.feedSeq
    }
  }

  /** Not what it has, nor what expired; but its own record of an earlier life, by which it finds its counter. */
  function isWithheld(item: FeedItem, nowMs: number): boolean {
    if (item.via === via) return true
    if (item.record.id !== peer && isExpired(item.record, nowMs)) return true
    if (item.feedSeq <= tailSeq && !isLacked(item)) return true
    return isHeard(item) && index.named(item.name) === item
  }

  function isHeard({ name, record, envelope }: FeedItem): boolean {
    const known = heard.get(name)
    if (!known) return false
    return known.seq > record.seq || (known.seq === record.seq && known.check === checkOf(envelope))
  }

  function subscribe({ since, ahead: asked, digest }: Extract<ViewMessage, { type: 'subscribe' }>): boolean {
    if (!begun || cursor !== undefined || since > index.feedSeq) return false
    cursor = since
    toldSeq = since
    tailSeq = index.feedSeq
    dueSeq = tailSeq
    ahead = asked
    if (digest) isLacked = compareDigest(digest, { items: index.values(), nowMs: options.nowMs() })
    return true
  }

  function done(feedSeq: number): boolean {
    if (cursor === undefined || feedSeq > toldSeq) return false
    while (underWay[0] && underWay[0].feedSeq <= feedSeq) underWayBytes -= underWay.shift()?.bytes ?? 0
    return true
  }

  function bulkGet(request: number, names: readonly ShortName[]): boolean {
    if (gets.length >= BULK_GETS_MAX) return false
    const items = names.map((name) => index.named(name))
    gets.push({ request, envelopes: items.flatMap((item) => (item ? [item.envelope] : [])) })
    return true
  }

  function flush(): void {
    dueSeq = index.feedSeq
    pump()
  }

  function setEager(next: boolean): void {
    eager = next
    if (eager && cursor !== undefined) flush()
  }

  return {
    receive(message) {
      let isOrderly = false
      if (message.type === 'subscribe') isOrderly = subscribe(message)
      else if (message.type === 'done') isOrderly = done(message.feedSeq)
      else if (message.type === 'bulkGet') isOrderly = bulkGet(message.request, message.names)
      if (isOrderly) pump()
      return isOrderly
    },
    begin() {
      if (closed) return
      begun = true
      flowing = send(encodeViewMessage({ type: 'info', instance, feedSeq: index.feedSeq, count: index.size }))
    },
    setEager,
    flush,
    heard(record) {
      const { name, seq, check } = record
      const known = heard.get(name)
      if (known?.seq === seq && known.check === check) return
      heard.set(name, { name, seq, check })
    },
    drained() {
      flowing = true
      pump()
    },
    get isDone() {
      return cursor !== undefined && caughtUp && underWay.length === 0 && !nextItem() && dueSeq >= index.feedSeq
    },
    close() {
      closed = true
      forget()
    },
  }
}
