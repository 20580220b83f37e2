import {
  type Channel,
  type Closable,
  type CloseReason,
  type PeerId,
  type Runtime,
  type SwarmError,
  utf8,
} from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import type { Verdict } from './admission.ts'
import { NETWORK_BYTES_MAX } from './limits.ts'
import type { RecordChange } from './own-record.ts'
import type { PeerRecord } from './peer-record.ts'
import type { PouchDatabase, PouchModule } from './pouchdb.ts'
import type { TableErrorCode } from './table-error.ts'

/** Whose table it is, of which network. */
export interface PeerTableOptions {
  readonly keyPair: KeyPair
  /** The swarm; records of others are refused. */
  readonly network: string
  readonly runtime: Runtime
  /** The database's name where it lasts (IndexedDB); derived from network and key when left out. */
  readonly name?: string
  /** In Node: where the database lasts, a folder of its own, made when it is missing. Without, the table ends with the process. */
  readonly folder?: string
  /** The wall clock, where the swarm knows it better than the machine. */
  readonly nowMs?: () => number
  /** The database cannot be read or written; the table goes on without it: `ERR_TABLE_STORE`, `ERR_TABLE_DAMAGED`. */
  readonly onError?: (error: SwarmError<TableErrorCode>) => void
  /** A PouchDB of your own, with an adapter and the replication plugin; brought along when left out. */
  readonly pouch?: PouchModule
}

/** Everybody that a node knows of, itself included. */
export interface PeerTable {
  /** The database of now, to read; what is written to it around the table is not replicated. */
  readonly db: PouchDatabase
  readonly own: PeerRecord
  /** What is known of a peer, also when it expired and is only remembered. */
  get(id: PeerId): PeerRecord | undefined
  /** Everybody's record that stands, our own included, those that say `left` too. */
  readonly records: readonly PeerRecord[]
  /** Peers that signed two bodies for one seq; the first one seen is kept. */
  readonly forked: ReadonlySet<PeerId>
  /** Each new or newer record of another peer, and who told us of it. What our own database knew is in `records` from the start. */
  onRecord: (record: PeerRecord, introducer: PeerId | undefined) => void
  /** Says something new. At once at first, then at most once in 30 s; resolves when it is out or waits for that. */
  publish(change: RecordChange): Promise<void>
  /** The one way in for documents: one result each, `forbidden` where it was refused. */
  admit(documents: readonly unknown[], origin?: { readonly introducer?: PeerId }): Promise<readonly Verdict[]>
  /** Reads the peer's table and serves ours, live, until either side ends. Owns the channel. */
  replicate(options: { readonly channel: Channel; readonly peer: PeerId }): Closable & { readonly closed: Promise<CloseReason> }
  /** Says `left`, gives the peers a moment to take it, then ends. */
  close(): Promise<void>
  /** Ends at once. */
  destroy(): void
}

const OPTIONS = new Set(['keyPair', 'network', 'runtime', 'name', 'folder', 'nowMs', 'onError', 'pouch'])

/** A TypeError or RangeError names what is wrong. */
export function checkOptions(options: PeerTableOptions): void {
  for (const option of Object.keys(options)) if (!OPTIONS.has(option)) throw new TypeError(`unknown option: ${option}`)
  const networkBytes = utf8(options.network).byteLength
  if (networkBytes < 1 || networkBytes > NETWORK_BYTES_MAX)
    throw new RangeError(`network is 1 to ${NETWORK_BYTES_MAX} bytes long`)
}
