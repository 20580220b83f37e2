import { type Channel, type Closable, type CloseReason, type PeerId, type Runtime, Scope, utf8 } from '@resilient-swarm/contract'
import { createBell } from './bell.ts'
import { type PouchDatabase, type PouchDocument, type ShareableDatabase, toPouchDatabase } from './database.ts'
import { type Exchange, type PeerProgress, startExchange } from './exchange.ts'
import {
  ADMIT_TIMEOUT_MS,
  CLOSE_TIMEOUT_MS,
  DOCUMENT_BYTES_LIMIT,
  DOCUMENT_BYTES_MAX,
  EXCHANGES_MAX,
  NAME_BYTES_MAX,
} from './limits.ts'
import { LONE_SURROGATE } from './messages.ts'
import type { Replicate } from './replicator.ts'
import { shareError } from './share-error.ts'
import type { AdmitDocument, ShareEvents } from './share-events.ts'

export interface DatabaseShareOptions {
  /** Any PouchDB 7, 8 or 9. Only its public methods are used, and it stays the application's: it is never closed here. */
  readonly database: ShareableDatabase
  /** Under which those who share it find each other; 1 to 61 bytes. */
  readonly name: string
  readonly admit: AdmitDocument
  readonly runtime: Runtime
  /** The largest document to take, as JSON with its attachments inline. Default 8 MiB. */
  readonly documentBytesMax?: number
  readonly emit?: <Name extends keyof ShareEvents>(event: Name, ...facts: ShareEvents[Name]) => void
}

/** One database shared with many peers, each over a channel of its own. */
export interface DatabaseShare extends Closable {
  readonly name: string
  /** Whom it is shared with right now. */
  readonly progress: readonly PeerProgress[]
  /** Both ways with one peer, whose key is proven, until the channel or the share ends. Takes the channel over. */
  replicate(link: { readonly channel: Channel; readonly peer: PeerId }): Exchange
  /** Resolves when sharing has ended, by `close` or because the database was closed or destroyed. */
  readonly closed: Promise<void>
  close(): Promise<void>
}

/** A RangeError unless it is text of 1 to 61 bytes. */
export function checkShareName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '' || LONE_SURROGATE.test(name) || utf8(name).byteLength > NAME_BYTES_MAX) {
    throw new RangeError(`the name of a shared database has 1 to ${NAME_BYTES_MAX} bytes`)
  }
}

/** Resolves when the database can be read; rejects with its error otherwise. A TypeError or RangeError names what is wrong. */
export async function createDatabaseShare(options: DatabaseShareOptions): Promise<DatabaseShare> {
  checkShareName(options.name)
  const database = toPouchDatabase(options.database)
  if (typeof options.admit !== 'function') throw new TypeError('admit must be a function: it decides what is stored')
  const documentBytesMax = options.documentBytesMax ?? DOCUMENT_BYTES_MAX
  if (!Number.isSafeInteger(documentBytesMax) || documentBytesMax < 1 || documentBytesMax > DOCUMENT_BYTES_LIMIT) {
    throw new RangeError(`documentBytesMax must be an integer from 1 to ${DOCUMENT_BYTES_LIMIT}`)
  }
  const [{ replicate }, databaseId] = await Promise.all([import('#replicator'), database.id()])
  return new PouchShare({ ...options, database, databaseId, documentBytesMax, replicate })
}

interface PouchShareOptions extends DatabaseShareOptions {
  readonly database: PouchDatabase
  readonly databaseId: string
  readonly documentBytesMax: number
  readonly replicate: Replicate
}

class PouchShare implements DatabaseShare {
  readonly name: string
  readonly closed: Promise<void>
  readonly #options: PouchShareOptions
  readonly #scope = new Scope()
  readonly #exchanges = new Map<PeerId, Exchange>()
  readonly #bell: ReturnType<typeof createBell>
  readonly #ended = { docs_read: 0, docs_written: 0, doc_write_failures: 0 }
  #resolveClosed: () => void = () => {}
  #changesRead: Promise<unknown> = Promise.resolve()

  constructor(options: PouchShareOptions) {
    const { database, runtime, name } = options
    this.name = name
    this.#options = options
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    const onGone = () => {
      this.#emit('error', shareError('ERR_SHARE_DATABASE'))
      void this.close()
    }
    for (const event of ['closed', 'destroyed']) {
      database.once(event, onGone)
      this.#scope.add(() => void database.removeListener(event, onGone))
    }
    this.#bell = createBell({ database, clock: runtime.clock, scope: this.#scope })
  }

  get progress(): readonly PeerProgress[] {
    return [...this.#exchanges.values()].map(({ progress }) => progress)
  }

  replicate({ channel, peer }: { readonly channel: Channel; readonly peer: PeerId }): Exchange {
    const { database, databaseId, documentBytesMax, name, replicate, runtime } = this.#options
    const older = this.#exchanges.get(peer)
    const exchange = startExchange({
      channel,
      peer,
      name,
      runtime,
      database,
      databaseId,
      documentBytesMax,
      replicate,
      onChange: this.#bell.onRing,
      readChanges: (question) => this.#readChanges(question),
      admit: (document) => this.#admit(document, peer),
      onStored: (docs, { docsRead, docsWritten, docsDenied, pending }) =>
        this.#emit('change', {
          direction: 'pull',
          peer,
          change: {
            docs,
            docs_read: docsRead,
            docs_written: docsWritten,
            doc_write_failures: docsDenied,
            ...(pending === undefined ? {} : { pending }),
          },
        }),
      onRefused: ({ id, revision: rev }, reason) =>
        this.#emit('denied', { direction: 'pull', peer, doc: { id, rev, name: 'forbidden', status: 403, reason } }),
      onState: () => this.#tellState(exchange),
    })
    this.#exchanges.set(peer, exchange)
    void exchange.closed.then((reason) => this.#onEnd(exchange, reason))
    older?.abort()
    if (this.#scope.isClosed || this.#exchanges.size > EXCHANGES_MAX) exchange.abort()
    return exchange
  }

  async close(): Promise<void> {
    if (!this.#scope.isClosed) {
      const { clock } = this.#options.runtime
      const exchanges = [...this.#exchanges.values()]
      // A peer that does not confirm the end keeps nothing open.
      const timer = clock.setTimer(CLOSE_TIMEOUT_MS, () => {
        for (const exchange of exchanges) exchange.abort()
      })
      const ended = this.#scope.close()
      await Promise.all([ended, ...exchanges.map((exchange) => exchange.close())])
      timer.cancel()
      this.#emit('complete', { ...this.#ended })
      this.#resolveClosed()
    }
    return this.closed
  }

  /** One page at a time: PouchDB keeps a listener for each that is being read. */
  #readChanges(question: Record<string, unknown>): ReturnType<PouchDatabase['changes']> {
    const read = this.#changesRead.then(() => {
      if (this.#scope.isClosed) throw shareError('ERR_SHARE_CLOSED')
      return this.#options.database.changes(question)
    })
    this.#changesRead = read.catch(() => {})
    return read as ReturnType<PouchDatabase['changes']>
  }

  async #admit(document: PouchDocument, peer: PeerId): Promise<boolean> {
    const { admit, runtime } = this.#options
    try {
      const said = admit(document, peer)
      if (typeof said === 'boolean') return said
      const late = new Promise<never>((_, reject) => {
        const timer = runtime.clock.setTimer(ADMIT_TIMEOUT_MS, () => reject(new Error('admit has not decided in time')))
        void said.then(timer.cancel, timer.cancel)
      })
      return (await Promise.race([said, late])) === true
    } catch (cause) {
      this.#emit('error', shareError('ERR_SHARE_ADMIT', cause))
      return false
    }
  }

  #tellState({ progress: { state, peer } }: Exchange): void {
    if (state === 'active') this.#emit('active', peer)
    else this.#tellPaused(undefined)
  }

  #tellPaused(error: CloseReason['error']): void {
    if (this.progress.every(({ state }) => state === 'paused')) this.#emit('paused', error)
  }

  #onEnd(exchange: Exchange, { by, error }: CloseReason): void {
    const { peer, state, docsRead, docsWritten, docsDenied } = exchange.progress
    this.#ended.docs_read += docsRead
    this.#ended.docs_written += docsWritten
    this.#ended.doc_write_failures += docsDenied
    if (this.#exchanges.get(peer) === exchange) this.#exchanges.delete(peer)
    if (this.#scope.isClosed) return
    if (by === 'us' && error && error.code !== 'ERR_SHARE_CLOSED') this.#emit('error', error as ShareEvents['error'][0])
    if (state === 'active') this.#tellPaused(error)
  }

  #emit<Name extends keyof ShareEvents>(event: Name, ...facts: ShareEvents[Name]): void {
    this.#options.emit?.(event, ...facts)
  }
}
