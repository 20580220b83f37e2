import { concatBytes, encodeVarint, equalBytes, type PeerId } from '@resilient-swarm/contract'
import { isExpired } from './expiry.ts'
import { BULK_GETS_MAX, FEED_BYTES_MAX, FEED_CHANGES_MAX, RECORD_BYTES_MAX } from './limits.ts'
import type { FeedItem, PeerIndex } from './peer-index.ts'
import { nameOf } from './peer-record.ts'
import { encodeChange, encodeViewMessage, VIEW_MESSAGE, type ViewMessage } from './view-messages.ts'

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
}

/** Our side of a view: read-only, pushed, and never more under way than the reader has room for. */
export interface ServedView {
  /** What the reader asks. False: it broke the protocol. */
  receive(message: ViewMessage): boolean
  drained(): void
  /** True when the reader has said that it stored everything we have. */
  readonly isDone: boolean
  close(): void
}

interface UnderWay {
  readonly feedSeq: number
  readonly bytes: number
}

export function serveView(options: ServedViewOptions): ServedView {
  const { index, instance, peer, via, send } = options
  const underWay: UnderWay[] = []
  const gets: { request: number; envelopes: Uint8Array[] }[] = []
  let underWayBytes = 0
  let cursor: number | undefined
  let tailSeq = 0
  let full = false
  let caughtUp = false
  let flowing = true
  let closed = false
  const forget = index.onChange(pump)
  flowing = send(encodeViewMessage({ type: 'info', instance, feedSeq: index.feedSeq, count: index.size }))

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
    for (;;) {
      if (underWay.length >= FEED_CHANGES_MAX || underWayBytes >= FEED_BYTES_MAX) break
      const item = nextItem()
      if (!item) break
      const isOld = item.feedSeq <= tailSeq
      const part = encodeChange({
        feedSeq: item.feedSeq,
        key: item.publicKey,
        seq: item.record.seq,
        ...(full || !isOld ? { envelope: item.envelope } : {}),
      })
      if (bytes + part.byteLength > options.messageBytesMax) break
      cursor = item.feedSeq
      parts.push(part)
      bytes += part.byteLength
      underWay.push({ feedSeq: item.feedSeq, bytes: part.byteLength })
      underWayBytes += part.byteLength
    }
    if (parts.length > 1) {
      flowing = send(concatBytes(...parts))
      return true
    }
    if (caughtUp || nextItem()) return false
    caughtUp = true
    cursor = index.feedSeq
    flowing = send(encodeViewMessage({ type: 'caughtUp', feedSeq: cursor }))
    return true
  }

  function nextItem(): FeedItem | undefined {
    const nowMs = options.nowMs()
    for (;;) {
      const item = cursor === undefined ? undefined : index.after(cursor)
      if (!item || !isWithheld(item, nowMs)) return item
      cursor = item.feedSeq
    }
  }

  /** Not what it brought itself, nor what expired; but its own record of an earlier life, by which it finds its counter. */
  function isWithheld(item: FeedItem, nowMs: number): boolean {
    return item.via === via || (item.record.id !== peer && isExpired(item.record, nowMs))
  }

  function subscribe(message: Extract<ViewMessage, { type: 'subscribe' }>): boolean {
    if (cursor !== undefined) return false
    const isSameLife = equalBytes(message.instance, instance)
    if (isSameLife && message.since > index.feedSeq) return false
    cursor = isSameLife ? message.since : 0
    tailSeq = index.feedSeq
    full = message.full
    return true
  }

  function done(feedSeq: number): boolean {
    if (cursor === undefined || feedSeq > cursor) return false
    while (underWay[0] && underWay[0].feedSeq <= feedSeq) underWayBytes -= underWay.shift()?.bytes ?? 0
    return true
  }

  function bulkGet(request: number, keys: readonly Uint8Array[]): boolean {
    if (gets.length >= BULK_GETS_MAX) return false
    const items = keys.map((key) => index.get(nameOf(key)))
    gets.push({ request, envelopes: items.flatMap((item) => (item ? [item.envelope] : [])) })
    return true
  }

  return {
    receive(message) {
      let isOrderly = false
      if (message.type === 'subscribe') isOrderly = subscribe(message)
      else if (message.type === 'done') isOrderly = done(message.feedSeq)
      else if (message.type === 'bulkGet') isOrderly = bulkGet(message.request, message.keys)
      if (isOrderly) pump()
      return isOrderly
    },
    drained() {
      flowing = true
      pump()
    },
    get isDone() {
      return cursor !== undefined && underWay.length === 0 && !nextItem()
    },
    close() {
      closed = true
      forget()
    },
  }
}
