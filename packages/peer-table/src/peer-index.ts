import type { PeerId } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { isExpired } from './expiry.ts'
import type { PeerRecord } from './peer-record.ts'

/** A record that was admitted, and all that is known about how it came. */
export interface Entry {
  readonly record: PeerRecord
  readonly publicKey: PublicKey
  readonly envelope: Uint8Array
  /** Who first told us of this peer; the quota is theirs. Undefined for ourselves and what our own database knew. */
  readonly introducer: PeerId | undefined
  /** What brought this very version, so that it is not sent back there. */
  readonly via: object | undefined
}

/** An entry at its place in our feed. */
export interface FeedItem extends Entry {
  readonly feedSeq: number
}

/** The table in memory: what decisions are made on, and the feed that peers read, in the order of its changes. */
export class PeerIndex {
  readonly #items = new Map<PeerId, FeedItem>()
  readonly #introduced = new Map<PeerId, number>()
  readonly #listeners = new Set<() => void>()
  readonly #forked = new Set<PeerId>()
  #log: { readonly feedSeq: number; readonly id: PeerId }[] = []
  #feedSeq = 0

  get size(): number {
    return this.#items.size
  }

  /** The place of the newest change. */
  get feedSeq(): number {
    return this.#feedSeq
  }

  /** Peers of the table that signed two bodies for one seq. */
  get forked(): ReadonlySet<PeerId> {
    return this.#forked
  }

  markForked(id: PeerId): void {
    if (this.#items.has(id)) this.#forked.add(id)
  }

  get(id: PeerId): FeedItem | undefined {
    return this.#items.get(id)
  }

  values(): IterableIterator<FeedItem> {
    return this.#items.values()
  }

  /** How many peers of the table this one introduced, itself not counted. */
  introducedBy(peer: PeerId): number {
    return this.#introduced.get(peer) ?? 0
  }

  put(entry: Entry): FeedItem {
    const known = this.#items.get(entry.record.id)
    const introducer = known ? known.introducer : entry.introducer
    if (!known) this.#count(entry.record.id, introducer, 1)
    const item: FeedItem = { ...entry, introducer, feedSeq: ++this.#feedSeq }
    this.#items.set(entry.record.id, item)
    this.#log.push({ feedSeq: item.feedSeq, id: entry.record.id })
    // Half of the log may be places that were overtaken; more is trimmed.
    if (this.#log.length > 2 * this.#items.size + 16) this.#log = this.#log.filter((place) => this.#isCurrent(place))
    for (const listener of [...this.#listeners]) listener()
    return item
  }

  remove(id: PeerId): void {
    const item = this.#items.get(id)
    if (!item) return
    this.#items.delete(id)
    this.#forked.delete(id)
    this.#count(id, item.introducer, -1)
  }

  /** The first change behind a place in the feed. */
  after(feedSeq: number): FeedItem | undefined {
    let low = 0
    let high = this.#log.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const place = this.#log[middle]
      if (place && place.feedSeq <= feedSeq) low = middle + 1
      else high = middle
    }
    for (; low < this.#log.length; low++) {
      const place = this.#log[low]
      if (place && this.#isCurrent(place)) return this.#items.get(place.id)
    }
    return undefined
  }

  /** Calls back after each change of the feed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #isCurrent(place: { readonly feedSeq: number; readonly id: PeerId }): boolean {
    return this.#items.get(place.id)?.feedSeq === place.feedSeq
  }

  #count(id: PeerId, introducer: PeerId | undefined, change: 1 | -1): void {
    if (introducer === undefined || introducer === id) return
    const count = this.introducedBy(introducer) + change
    if (count > 0) this.#introduced.set(introducer, count)
    else this.#introduced.delete(introducer)
  }
}

/**
 * Which entry makes room in a full table: one that ended, else, for a peer that told us of itself, the oldest that others told
 * us of. Undefined: there is no room.
 */
export function chooseEvicted(
  items: Iterable<FeedItem>,
  { own, nowMs, direct }: { readonly own: PeerId; readonly nowMs: number; readonly direct: boolean },
): FeedItem | undefined {
  let oldest: FeedItem | undefined
  for (const item of items) {
    if (item.record.id === own) continue
    if (item.record.left || isExpired(item.record, nowMs)) return item
    if (!direct || item.introducer === item.record.id) continue
    if (!oldest || item.record.createdMs < oldest.record.createdMs) oldest = item
  }
  return oldest
}
