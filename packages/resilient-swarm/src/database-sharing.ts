import {
  type Bucket,
  fullBucket,
  type PeerId,
  type Runtime,
  type Scope,
  type Substream,
  type SwarmError,
  takeToken,
  utf8,
} from '@resilient-swarm/contract'
import type { ShareableDatabase } from '@resilient-swarm/database-share'
import type { PeerRecord } from '@resilient-swarm/peer-table'
import { type DatabaseReplication, type ReplicateOptions, SharedDatabase } from './database-replication.ts'
import { closedError } from './goodbye.ts'
import { createKeptSharers } from './kept-sharers.ts'
import { SHARED_DATABASES_MAX, SHARES_OPENED_BURST, SHARES_OPENED_PER_SECOND, STREAM_TYPE_BYTES_MAX } from './limits.ts'
import { databaseType } from './own-types.ts'
import type { ConnectedPeer } from './peer.ts'
import type { Standing } from './sharer-calls.ts'

export interface DatabaseSharingOptions {
  readonly runtime: Runtime
  readonly scope: Scope
  readonly self: PeerId
  readonly peersMax: number
  readonly peers: () => readonly ConnectedPeer<unknown>[]
  readonly recordOf: (id: PeerId) => PeerRecord | undefined
  readonly nowMs: () => number
  /** As the application calls, for one attempt's time. */
  readonly call: (id: PeerId) => Promise<unknown>
  readonly onError: (error: SwarmError) => void
}

/** The databases that the application shares, one substream of type `db:name` a peer each. */
export interface DatabaseSharing {
  share(database: ShareableDatabase, options: ReplicateOptions): DatabaseReplication
  /** Who leads asks for every name; the other asks when it begins to share. */
  connect(peer: ConnectedPeer<unknown>): void
  accept(peer: ConnectedPeer<unknown>, substream: Substream): void
  /** A path to the peer stands again. */
  reconnected(peer: ConnectedPeer<unknown>): void
}

const RATE = { perSecond: SHARES_OPENED_PER_SECOND, burst: SHARES_OPENED_BURST }
const KNOWN: ReadonlySet<string> = new Set<keyof ReplicateOptions>(['name', 'admit', 'peers', 'documentBytesMax'])

export function createDatabaseSharing(options: DatabaseSharingOptions): DatabaseSharing {
  const { runtime, scope, self, peers, call, onError } = options
  const kept = createKeptSharers(options)
  const shared = new Map<string, SharedDatabase>()
  const opened = new WeakMap<ConnectedPeer<unknown>, Bucket>()

  function standing(id: PeerId): Standing {
    const record = options.recordOf(id)
    if (!record || record.expiresMs <= options.nowMs()) return 'unknown'
    return record.left ? 'left' : 'alive'
  }

  function withinRate(peer: ConnectedPeer<unknown>): boolean {
    const nowMs = runtime.clock.monotonic()
    const { allowed, bucket } = takeToken(opened.get(peer) ?? fullBucket(RATE, nowMs), RATE, nowMs)
    opened.set(peer, bucket)
    return allowed
  }

  return {
    share(database, given) {
      checkShare(database, given)
      if (scope.isClosed) throw closedError()
      const type = databaseType(given.name)
      if (shared.has(type)) throw new RangeError(`a database is shared as '${given.name}' already; cancel that first`)
      if (shared.size >= SHARED_DATABASES_MAX) throw new RangeError(`a swarm shares at most ${SHARED_DATABASES_MAX} databases`)
      const sharing = new SharedDatabase({
        ...given,
        database,
        runtime,
        self,
        kept,
        calling: { call, standing },
        connected: peers,
        onError,
      })
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
    reconnected(peer) {
      for (const database of shared.values()) database.reviewPeer(peer)
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
  const { name, admit, documentBytesMax } = options
  const typeBytes = typeof name === 'string' ? utf8(databaseType(name)).byteLength : Number.POSITIVE_INFINITY
  if (name === '' || typeBytes > STREAM_TYPE_BYTES_MAX) {
    throw new RangeError(`name must have 1 to ${STREAM_TYPE_BYTES_MAX - databaseType('').length} bytes`)
  }
  if (typeof admit !== 'function') throw new TypeError('admit must be a function: it decides what is stored')
  if (documentBytesMax !== undefined && !(Number.isSafeInteger(documentBytesMax) && documentBytesMax > 0)) {
    throw new RangeError('documentBytesMax must be a positive whole number')
  }
}
