import { type Bucket, equalBytes, type PeerId } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { Arrivals } from './arrivals.ts'
import { isExpired } from './expiry.ts'
import { INTRODUCED_RECORDS_MAX, TABLE_RECORDS_MAX } from './limits.ts'
import { Namesakes } from './namesakes.ts'
import { idOfKey, type NamedLink, type PeerLink, type PeerRecord } from './peer-record.ts'
import { type ShortName, shortNameOf } from './short-name.ts'

/** A record that was admitted, and all that is known about how it came. */
export interface Entry {
  readonly record: PeerRecord
  readonly publicKey: PublicKey
  readonly envelope: Uint8Array
  /** Who first told us of this peer, itself once it did; the quota is theirs. Undefined for ourselves and what our own database knew. */
  readonly introducer: PeerId | undefined
  /** What brought this very version, so that it is not sent back there. */
  readonly via: object | undefined
  /** Whether others are to hear of it at once; what comes while a whole table is read is no news to most. */
  readonly isNews: boolean
  /** How often its author may still change it. */
  readonly changes?: Bucket
}

/** An entry at its place in our feed. */
export interface FeedItem extends Entry {
  readonly name: ShortName
  readonly feedSeq: number
}

/** The table in memory: what decisions are made on, and the feed that peers read, in the order of its changes. */
export class PeerIndex {
  readonly #items = new Map<PeerId, FeedItem>()
  readonly #names = new Namesakes()
  readonly #arrivals = new Arrivals()
  readonly #left = new Set<PeerId>()
  readonly #listeners = new Set<(item: FeedItem) => void>()
  readonly #forked = new Set<PeerId>()
  #log: { readonly feedSeq: number; readonly id: PeerId }[] = []
  #feedSeq = 0
  /** Grows whenever somebody comes or goes. */
  #membership = 0
  /** Grows whenever a name may mean another, or nobody, from now on. */
  #gone = 0
  #standing: { readonly records: readonly PeerRecord[]; readonly fromMs: number; readonly endMs: number } | undefined
  /** Nothing that stands ends before this. */
  #firstEndMs = Number.POSITIVE_INFINITY
  /** Nothing that a peer introduced ends before this, where that was looked up. */
  readonly #firstEndsMs = new Map<PeerId, number>()

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

  /** Who has this short name; undefined when nobody does, and when several do. */
  named(name: ShortName): FeedItem | undefined {
    const id = this.#names.get(name)
    return id === undefined ? undefined : this.#items.get(id)
  }

  /** By the bytes of the key; its text is only made where the name is not enough. */
  byKey(key: Uint8Array): FeedItem | undefined {
    const name = shortNameOf(key)
    if (this.#names.isShared(name)) return this.#items.get(idOfKey(key))
    const item = this.named(name)
    return item && equalBytes(item.publicKey, key) ? item : undefined
  }

  /** Says whom a record means by its links; looked up again only after somebody came or went. */
  createResolver(): (links: readonly NamedLink[]) => readonly PeerLink[] {
    let resolved: readonly PeerLink[] = []
    let resolvedAt = -1
    let goneAt = -1
    return (links) => {
      if (resolvedAt === this.#membership || (resolved.length === links.length && goneAt === this.#gone)) return resolved
      resolvedAt = this.#membership
      goneAt = this.#gone
      resolved = links.flatMap(({ name, rttMs }) => {
        const key = this.#names.get(name)
        return key === undefined ? [] : [{ key, rttMs }]
      })
      return resolved
    }
  }

  values(): IterableIterator<FeedItem> {
    return this.#items.values()
  }

  /** Every record that has not expired. The same list until something changes or ends, so that asking often costs nothing. */
  standing(nowMs: number): readonly PeerRecord[] {
    if (this.#standing && nowMs >= this.#standing.fromMs && nowMs < this.#standing.endMs) return this.#standing.records
    const records: PeerRecord[] = []
    let endMs = Number.POSITIVE_INFINITY
    for (const { record } of this.#items.values()) {
      if (isExpired(record, nowMs)) continue
      records.push(record)
      endMs = Math.min(endMs, record.expiresMs)
    }
    this.#standing = { records, fromMs: nowMs, endMs }
    return records
  }

  /** The peers of the table that this one introduced, itself not counted. */
  introducedBy(peer: PeerId): ReadonlySet<PeerId> {
    return this.#arrivals.introducedBy(peer)
  }

  /** The last one that came by others' word. */
  lastHearsay(except: PeerId): PeerId | undefined {
    return this.#arrivals.lastHearsay(except)
  }

  /** The last one that came by its own word, but for those to be spared. */
  lastDirect(isSpared: (id: PeerId) => boolean): PeerId | undefined {
    return this.#arrivals.lastDirect(isSpared)
  }

  /** One that left or expired, if any; a search only when there may be one, so that refusing costs nothing. */
  findEnded(except: PeerId, nowMs: number): PeerId | undefined {
    for (const id of this.#left) if (id !== except) return id
    if (nowMs < this.#firstEndMs) return undefined
    let firstEndMs = Number.POSITIVE_INFINITY
    for (const { record } of this.#items.values()) {
      if (record.id === except) continue
      if (isExpired(record, nowMs)) return record.id
      firstEndMs = Math.min(firstEndMs, record.expiresMs)
    }
    this.#firstEndMs = firstEndMs
    return undefined
  }

  /** One of those that this peer introduced that left or expired, if any; its search is as rare. */
  findEndedOf(introducer: PeerId, except: PeerId, nowMs: number): PeerId | undefined {
    if (nowMs < (this.#firstEndsMs.get(introducer) ?? 0)) return undefined
    let firstEndMs = Number.POSITIVE_INFINITY
    for (const id of this.#arrivals.introducedBy(introducer)) {
      const record = this.#items.get(id)?.record
      if (!record || id === except) continue
      if (record.left || isExpired(record, nowMs)) return id
      firstEndMs = Math.min(firstEndMs, record.expiresMs)
    }
    // No more peers than this can have used up their quota.
    if (this.#firstEndsMs.size >= TABLE_RECORDS_MAX / INTRODUCED_RECORDS_MAX) this.#firstEndsMs.clear()
    if (firstEndMs < Number.POSITIVE_INFINITY) this.#firstEndsMs.set(introducer, firstEndMs)
    return undefined
  }

  put(entry: Entry): FeedItem {
    const { id, left, expiresMs } = entry.record
    const introducer = this.#arrivals.note(id, entry.introducer)
    if (introducer !== undefined) this.#noteEnd(introducer, left ? 0 : expiresMs)
    const known = this.#items.get(id)
    const name = known?.name ?? shortNameOf(entry.publicKey)
    if (!known) {
      this.#names.add(name, id)
      this.#membership++
      if (this.#names.isShared(name)) this.#gone++
    }
    const item: FeedItem = { ...entry, name, introducer, feedSeq: ++this.#feedSeq }
    this.#items.set(id, item)
    this.#standing = undefined
    if (left) this.#left.add(id)
    else this.#left.delete(id)
    this.#firstEndMs = Math.min(this.#firstEndMs, expiresMs)
    this.#log.push({ feedSeq: item.feedSeq, id })
    // Half of the log may be places that were overtaken; more is trimmed.
    if (this.#log.length > 2 * this.#items.size + 16) this.#log = this.#log.filter((place) => this.#isCurrent(place))
    for (const listener of [...this.#listeners]) listener(item)
    return item
  }

  remove(id: PeerId): void {
    const item = this.#items.get(id)
    if (!item) return
    this.#items.delete(id)
    this.#standing = undefined
    this.#names.remove(item.name, id)
    this.#membership++
    this.#gone++
    this.#forked.delete(id)
    this.#left.delete(id)
    this.#arrivals.remove(id)
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
  onChange(listener: (item: FeedItem) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #noteEnd(introducer: PeerId, endMs: number): void {
    const firstEndMs = this.#firstEndsMs.get(introducer)
    if (firstEndMs !== undefined && endMs < firstEndMs) this.#firstEndsMs.delete(introducer)
  }

  #isCurrent(place: { readonly feedSeq: number; readonly id: PeerId }): boolean {
    return this.#items.get(place.id)?.feedSeq === place.feedSeq
  }
}
