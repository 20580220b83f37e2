import { type PeerId, type Runtime, Scope, type Substream, SwarmError } from '@resilient-swarm/contract'
import type {
  AdmitDocument,
  DatabaseShare,
  PeerProgress,
  ShareableDatabase,
  ShareEvents,
  ShareSummary,
} from '@resilient-swarm/database-share'
import { toChannel } from '@resilient-swarm/multiplexer'
import type { KeptSharers } from './kept-sharers.ts'
import { SHARE_RETRY_MS_MAX, SHARE_RETRY_MS_MIN, SHARERS_REVIEW_MS } from './limits.ts'
import { Listeners } from './listeners.ts'
import { databaseType } from './own-types.ts'
import type { ConnectedPeer } from './peer.ts'
import { readSharePolicy, type SharePeers, type SharePolicy } from './share-policy.ts'
import { createSharerCalls, type SharerCalls, type SharerCallsOptions } from './sharer-calls.ts'

/** How a database is shared. */
export interface ReplicateOptions {
  /** Under which those who share it find each other; 1 to 61 bytes. */
  readonly name: string
  /** Whether a document may be stored here. `peer` is who hands it on, which need not be who wrote it. */
  readonly admit: AdmitDocument
  /**
   * With whom to share, to read from and to be read by. Keys: up to 8 of them are called and kept for as long as this lasts. A function
   * is asked whenever a peer comes or comes back, every 30 s, and by `review`. Default: whoever is connected and shares the name.
   */
  readonly peers?: SharePeers
  /** The largest document to take, as JSON with its attachments inline. Default 8 MiB. */
  readonly documentBytesMax?: number
}

/** Those of the shared database; `error` tells of this swarm's own part too. */
export interface ReplicationEvents extends Omit<ShareEvents, 'error'> {
  error: [error: SwarmError]
}

/** A database that is being shared: events and `cancel` as PouchDB's own `sync` has them. */
export interface DatabaseReplication {
  readonly name: string
  /** How it goes with each peer that shares it right now. */
  readonly progress: readonly PeerProgress[]
  /** Resolves when sharing has ended: by `cancel`, with the swarm, or with the database. */
  readonly closed: Promise<void>
  /** Asks `peers` again, where it is a function: of everybody connected, those who are in by it now begin, and those who are out are cut. */
  review(): void
  /** Ends sharing; the database stays open. Idempotent. */
  cancel(): void
  on<Name extends keyof ReplicationEvents>(event: Name, listener: (...facts: ReplicationEvents[Name]) => void): this
  once<Name extends keyof ReplicationEvents>(event: Name, listener: (...facts: ReplicationEvents[Name]) => void): this
  off<Name extends keyof ReplicationEvents>(event: Name, listener: (...facts: ReplicationEvents[Name]) => void): this
}

export interface SharedDatabaseOptions extends ReplicateOptions {
  readonly database: ShareableDatabase
  readonly runtime: Runtime
  readonly connected: () => readonly ConnectedPeer<unknown>[]
  readonly kept: KeptSharers
  readonly self: PeerId
  readonly calling: Pick<SharerCallsOptions, 'call' | 'standing'>
  /** For errors that nobody listens to here. */
  readonly onError: (error: SwarmError) => void
}

/** One way over which a peer and we share the database now. */
interface Link {
  readonly byUs: boolean
  readonly ended: Promise<unknown>
  /** At once. */
  end(): void
}

/** The swarm's own side of a shared database: finds those who share it too, and begins again whenever it ends. */
export class SharedDatabase implements DatabaseReplication {
  readonly name: string
  readonly closed: Promise<void>
  readonly #options: SharedDatabaseOptions
  readonly #scope = new Scope()
  readonly #events = new Listeners<ReplicationEvents>()
  readonly #links = new WeakMap<ConnectedPeer<unknown>, Link>()
  readonly #failures = new WeakMap<ConnectedPeer<unknown>, number>()
  readonly #ready: Promise<DatabaseShare | undefined>
  readonly #policy: SharePolicy
  #share: DatabaseShare | undefined
  #calls: SharerCalls | undefined

  constructor(options: SharedDatabaseOptions) {
    this.name = options.name
    this.#options = options
    this.#policy = readSharePolicy(options.peers, (error) => this.#emit('error', error))
    this.#ready = this.#load()
    this.closed = this.#ready.then(async (share) => {
      await share?.closed
      await this.#scope.close()
    })
    void this.#ready.then((share) => share && this.#begin())
  }

  get progress(): readonly PeerProgress[] {
    return this.#share?.progress ?? []
  }

  cancel(): void {
    void this.#scope.close()
  }

  review(): void {
    if (!this.#policy.mayChange) return
    for (const peer of this.#options.connected()) this.reviewPeer(peer)
  }

  on<Name extends keyof ReplicationEvents>(event: Name, listener: (...facts: ReplicationEvents[Name]) => void): this {
    this.#events.on(event, listener)
    return this
  }

  once<Name extends keyof ReplicationEvents>(event: Name, listener: (...facts: ReplicationEvents[Name]) => void): this {
    const heard = (...facts: ReplicationEvents[Name]) => {
      this.off(event, heard)
      listener(...facts)
    }
    return this.on(event, heard)
  }

  off<Name extends keyof ReplicationEvents>(event: Name, listener: (...facts: ReplicationEvents[Name]) => void): this {
    this.#events.off(event, listener)
    return this
  }

  /** Asks the peer whether it shares the name too. One that does not resets the substream, and opens one itself when it begins to. */
  open(peer: ConnectedPeer<unknown>): void {
    if (!this.#share || !this.#isWith(peer) || this.#links.has(peer)) return
    try {
      this.#run(this.#share, peer, { substream: peer.multiplexer.openSubstream(databaseType(this.name)), byUs: true })
    } catch {
      this.#retry(peer) // as many substreams as there may be
    }
  }

  /** The peer shares the name. Where both ask at once the substream of who leads holds. */
  accept(peer: ConnectedPeer<unknown>, substream: Substream): void {
    void this.#ready.then(async (share) => {
      const link = this.#links.get(peer)
      // Ours may just have been reset: the peer did not share then.
      if (link?.byUs && peer.leads) await Promise.race([link.ended, aTurnLater(this.#options.runtime)])
      const stands = this.#links.get(peer)
      if (!share || !this.#isWith(peer) || (stands?.byUs && peer.leads)) substream.reset()
      else this.#run(share, peer, { substream, byUs: false })
    })
  }

  /** The peer came back, or who may share has changed. */
  reviewPeer(peer: ConnectedPeer<unknown>): void {
    if (!this.#policy.mayChange || this.#scope.isClosed) return
    const link = this.#links.get(peer)
    if (!link) this.open(peer)
    else if (!this.#isWith(peer)) link.end()
  }

  #begin(): void {
    const { calling, connected, kept, runtime, self } = this.#options
    for (const peer of connected()) this.open(peer)
    this.#calls = createSharerCalls({
      ...calling,
      listed: this.#policy.listed.filter((id) => id !== self),
      runtime,
      scope: this.#scope,
      room: () => kept.room(this.name),
      isConnected: (id) => connected().some(({ publicKey }) => publicKey === id),
    })
    if (this.#policy.mayChange) this.#reviewLater()
  }

  #reviewLater(): void {
    this.#scope.timer(this.#options.runtime.clock, SHARERS_REVIEW_MS, () => {
      this.review()
      this.#reviewLater()
    })
  }

  #isWith({ publicKey, scope }: ConnectedPeer<unknown>): boolean {
    return !scope.isClosed && !this.#scope.isClosed && this.#policy.lets(publicKey)
  }

  #run(share: DatabaseShare, peer: ConnectedPeer<unknown>, { substream, byUs }: { substream: Substream; byUs: boolean }): void {
    const { clock } = this.#options.runtime
    const begunMs = clock.monotonic()
    const exchange = share.replicate({ channel: toChannel(substream), peer: peer.publicKey })
    const link: Link = { byUs, ended: exchange.closed, end: () => exchange.abort() }
    this.#links.set(peer, link)
    let letGo: () => void = () => {}
    void exchange.begun.then((hasBegun) => {
      if (!hasBegun || this.#links.get(peer) !== link) return
      letGo = this.#options.kept.add(this.name, peer)
      this.#calls?.shares(peer.publicKey)
    })
    void exchange.closed.then(() => {
      letGo()
      if (this.#links.get(peer) !== link) return
      this.#links.delete(peer)
      if (clock.monotonic() - begunMs >= SHARE_RETRY_MS_MAX) this.#failures.delete(peer)
      this.#retry(peer)
    })
  }

  #retry(peer: ConnectedPeer<unknown>): void {
    if (peer.scope.isClosed || this.#scope.isClosed) return
    const failures = this.#failures.get(peer) ?? 0
    this.#failures.set(peer, failures + 1)
    const delayMs = Math.min(SHARE_RETRY_MS_MAX, SHARE_RETRY_MS_MIN * 2 ** failures)
    const timer = peer.scope.timer(this.#options.runtime.clock, delayMs, () => {
      forget()
      this.open(peer)
    })
    const forget = this.#scope.add(() => timer.cancel())
    peer.scope.add(forget)
  }

  async #load(): Promise<DatabaseShare | undefined> {
    const { database, name, admit, documentBytesMax, runtime } = this.#options
    try {
      const { createDatabaseShare } = await import('@resilient-swarm/database-share')
      const share = await createDatabaseShare({
        database,
        name,
        admit,
        runtime,
        ...(documentBytesMax === undefined ? {} : { documentBytesMax }),
        emit: (event, ...facts) => this.#emit(event, ...facts),
      })
      this.#share = share
      this.#scope.add(() => share.close())
      return share
    } catch (cause) {
      this.#emit(
        'error',
        new SwarmError('The database could not be read, so it is not shared.', { code: 'ERR_SHARE_DATABASE', cause }),
      )
      this.#emit('complete', NOTHING)
      return undefined
    }
  }

  #emit<Name extends keyof ReplicationEvents>(event: Name, ...facts: ReplicationEvents[Name]): void {
    if (!this.#events.emit(event, ...facts) && event === 'error') this.#options.onError(facts[0] as SwarmError)
  }
}

const NOTHING: ShareSummary = { docs_read: 0, docs_written: 0, doc_write_failures: 0 }

function aTurnLater({ clock }: Runtime): Promise<void> {
  return new Promise((resolve) => clock.setTimer(0, resolve))
}
