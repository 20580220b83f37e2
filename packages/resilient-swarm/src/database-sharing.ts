import {
  type Bucket,
  fullBucket,
  type Runtime,
  type Scope,
  type Substream,
  type SwarmError,
  takeToken,
  utf8,
} from '@resilient-swarm/contract'
import type { ShareableDatabase } from '@resilient-swarm/database-share'
import { parsePeerId } from '@resilient-swarm/identity'
import { type DatabaseReplication, type ReplicateOptions, SharedDatabase } from './database-replication.ts'
import { closedError } from './goodbye.ts'
import { SHARED_DATABASES_MAX, SHARES_OPENED_BURST, SHARES_OPENED_PER_SECOND, STREAM_TYPE_BYTES_MAX } from './limits.ts'
import { databaseType } from './own-types.ts'
import type { ConnectedPeer } from './peer.ts'

export interface DatabaseSharingOptions {
  readonly runtime: Runtime
  readonly scope: Scope
  readonly peers: () => readonly ConnectedPeer<unknown>[]
  readonly onError: (error: SwarmError) => void
}

/** The databases that the application shares, one substream of type `db:name` a peer each. */
export interface DatabaseSharing {
  share(database: ShareableDatabase, options: ReplicateOptions): DatabaseReplication
  /** Who leads asks for every name; the other asks when it begins to share. */
  connect(peer: ConnectedPeer<unknown>): void
  accept(peer: ConnectedPeer<unknown>, substream: Substream): void
}

const RATE = { perSecond: SHARES_OPENED_PER_SECOND, burst: SHARES_OPENED_BURST }
const KNOWN: ReadonlySet<string> = new Set<keyof ReplicateOptions>(['name', 'admit', 'peers', 'documentBytesMax'])

export function createDatabaseSharing({ runtime, scope, peers, onError }: DatabaseSharingOptions): DatabaseSharing {
  const shared = new Map<string, SharedDatabase>()
  const opened = new WeakMap<ConnectedPeer<unknown>, Bucket>()

  function withinRate(peer: ConnectedPeer<unknown>): boolean {
    const nowMs = runtime.clock.monotonic()
    const { allowed, bucket } = takeToken(opened.get(peer) ?? fullBucket(RATE, nowMs), RATE, nowMs)
    opened.set(peer, bucket)
    return allowed
  }

  return {
    share(database, options) {
      checkShare(database, options)
      if (scope.isClosed) throw closedError()
      const type = databaseType(options.name)
      if (shared.has(type)) throw new RangeError(`a database is shared as '${options.name}' already; cancel that first`)
      if (shared.size >= SHARED_DATABASES_MAX) throw new RangeError(`a swarm shares at most ${SHARED_DATABASES_MAX} databases`)
      const sharing = new SharedDatabase({ ...options, database, runtime, connected: peers, onError })
      shared.set(type, sharing)
      const forget = scope.add(() => {
        sharing.cancel()
        return sharing.closed
      })
      void sharing.closed.then(() => {
        forget()
        shared.delete(type)
      })
      return sharing
    },
    connect(peer) {
      if (peer.leads) for (const database of shared.values()) database.open(peer)
    },
    accept(peer, substream) {
      const database = withinRate(peer) ? shared.get(substream.type) : undefined
      if (database) database.accept(peer, substream)
      else substream.reset()
    },
  }
}

/** A TypeError or RangeError that names what is wrong. */
function checkShare(database: ShareableDatabase, options: ReplicateOptions): void {
  if (typeof database?.bulkDocs !== 'function') throw new TypeError('the database must be a PouchDB')
  if (typeof options !== 'object' || options === null) throw new TypeError('replicate takes { name, admit }')
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new TypeError(`unknown option '${name}'; known are ${[...KNOWN].join(', ')}`)
  }
  const { name, admit, peers, documentBytesMax } = options
  const typeBytes = typeof name === 'string' ? utf8(databaseType(name)).byteLength : Number.POSITIVE_INFINITY
  if (name === '' || typeBytes > STREAM_TYPE_BYTES_MAX) {
    throw new RangeError(`name must have 1 to ${STREAM_TYPE_BYTES_MAX - databaseType('').length} bytes`)
  }
  if (typeof admit !== 'function') throw new TypeError('admit must be a function: it decides what is stored')
  if (peers !== undefined && typeof peers !== 'function' && !Array.isArray(peers)) {
    throw new TypeError('peers must be an array of keys or a function')
  }
  // A key that is none would share with nobody, without a word.
  if (Array.isArray(peers)) for (const key of peers) parsePeerId(key)
  if (documentBytesMax !== undefined && !(Number.isSafeInteger(documentBytesMax) && documentBytesMax > 0)) {
    throw new RangeError('documentBytesMax must be a positive whole number')
  }
}
