import { type Channel, encodeHex, equalBytes, type PeerId, Scope } from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import { type Admission, createAdmission, type Origin, type Refusal, type Verdict } from './admission.ts'
import { isExpired, isForgotten } from './expiry.ts'
import {
  FAREWELL_MS,
  FULL_FEED_BELOW_RECORDS,
  INTRODUCED_RECORDS_MAX,
  RECORD_BYTES_MAX,
  SMALL_SWARM_RECORDS,
  SWEEP_INTERVAL_MS,
} from './limits.ts'
import { checkOptions, type PeerTable, type PeerTableOptions } from './options.ts'
import { createOwnRecord, type OwnRecord, type RecordChange } from './own-record.ts'
import { PeerIndex } from './peer-index.ts'
import type { PeerRecord } from './peer-record.ts'
import type { PouchDatabase, PouchModule } from './pouchdb.ts'
import { createReadingTurns, type ReadingTurns } from './reading-turns.ts'
import { type RecordProof, signedRecords, toDocument } from './record-envelope.ts'
import type { Received, Row } from './remote-view.ts'
import { type Replication, startReplication, type Want } from './replication.ts'
import { Replications } from './replications.ts'
import { shortNameOf } from './short-name.ts'
import { type OpenStore, openStore, type Store } from './store.ts'
import { tableError } from './table-error.ts'
import { VerifyBudget } from './verify-budget.ts'
import { checkOf, INSTANCE_BYTES } from './view-messages.ts'

/** What a simulator replaces by something cheaper; there is no other use, and no option for it. */
export interface TableSeams {
  readonly proof: RecordProof
  readonly openStore: OpenStore
}

/** One change with the largest record, and what stands around it. */
const MESSAGE_BYTES_MIN = 2 * RECORD_BYTES_MAX

/** Opens the table of a key and publishes its record. PouchDB is loaded here, not before. */
export function createPeerTable(options: PeerTableOptions): Promise<PeerTable> {
  return openPeerTable(options, { proof: signedRecords, openStore })
}

export async function openPeerTable(options: PeerTableOptions, seams: TableSeams): Promise<PeerTable> {
  checkOptions(options)
  const table = new PouchPeerTable(options, options.pouch ?? (await loadPouch(options)), seams)
  await table.open()
  return table
}

async function loadPouch({ folder, onError }: PeerTableOptions): Promise<PouchModule> {
  if (folder !== undefined) {
    try {
      return (await import('#pouchdb-folder')).openFolder(folder)
    } catch (cause) {
      if (cause instanceof TypeError) throw cause
      onError?.(tableError('ERR_TABLE_STORE', cause)) // leveldb has no binary for this machine
    }
  }
  return import('#pouchdb')
}

class PouchPeerTable implements PeerTable {
  onRecord: (record: PeerRecord, introducer: PeerId | undefined) => void = () => {}
  readonly #options: PeerTableOptions
  readonly #pouch: PouchModule
  readonly #proof: RecordProof
  readonly #nowMs: () => number
  readonly #scope = new Scope()
  readonly #index = new PeerIndex()
  readonly #instance: Uint8Array
  readonly #store: Store
  readonly #admission: Admission
  readonly #turns: ReadingTurns
  readonly #replications = new Replications()
  #own: OwnRecord | undefined
  #closing: Promise<void> | undefined

  constructor(options: PeerTableOptions, pouch: PouchModule, seams: TableSeams) {
    const { keyPair, network, runtime } = options
    this.#options = options
    this.#pouch = pouch
    this.#proof = seams.proof
    this.#nowMs = options.nowMs ?? (() => runtime.clock.now())
    this.#turns = createReadingTurns({ clock: runtime.clock, scope: this.#scope })
    this.#instance = runtime.random.bytes(INSTANCE_BYTES)
    this.#store = seams.openStore({
      pouch,
      name: this.#databaseName(),
      runtime,
      entries: () => this.#index.values(),
      onError: options.onError ?? (() => {}),
    })
    this.#admission = createAdmission({
      own: keyPair.peerId,
      network,
      index: this.#index,
      budget: new VerifyBudget(runtime, this.#scope.signal),
      proof: seams.proof,
      nowMs: this.#nowMs,
      clock: runtime.clock,
      isConnected: (id) => this.#replications.isWith(id),
      onOwn: (seq) => void this.#own?.continueAbove(seq),
      onFork: (id) => this.#index.markForked(id),
      onAdmitted: (record, introducer) => {
        if (record.id !== keyPair.peerId && this.#own) this.onRecord(record, introducer)
      },
    })
  }

  get db(): PouchDatabase {
    return this.#store.db
  }

  get own(): PeerRecord {
    return (this.#own as OwnRecord).current as PeerRecord
  }

  get records(): readonly PeerRecord[] {
    return this.#index.standing(this.#nowMs())
  }

  get forked(): ReadonlySet<PeerId> {
    return this.#index.forked
  }

  get(id: PeerId): PeerRecord | undefined {
    return this.#index.get(id)?.record
  }

  async open(): Promise<void> {
    const { keyPair, network, runtime } = this.#options
    await this.#store.load(async (documents) => (await this.#admission.admit(documents, { remembered: true })).admitted)
    await this.#store.tidy()
    this.#own = createOwnRecord({
      keyPair,
      runtime,
      scope: this.#scope,
      nowMs: this.#nowMs,
      swarmSize: () => ({ known: this.#index.size, told: this.#replications.toldSize }),
      seq: this.#index.get(keyPair.peerId)?.record.seq ?? 0,
      put: async (record) => {
        const envelope = this.#proof.seal(keyPair, record, network)
        const document = toDocument({ record, publicKey: keyPair.publicKey, envelope })
        await this.#admitAndStore([document], { trusted: true, isNews: true })
      },
    })
    await this.#own.publish()
    this.#sweepLater()
  }

  async publish(change: RecordChange): Promise<void> {
    if (this.#closing) throw tableError('ERR_TABLE_CLOSED')
    await this.#own?.change(change)
  }

  admit(documents: readonly unknown[], { introducer }: { readonly introducer?: PeerId } = {}): Promise<readonly Verdict[]> {
    return this.#admitAndStore(documents, { isNews: true, ...(introducer === undefined ? {} : { introducer }) })
  }

  replicate({ channel, peer }: { readonly channel: Channel; readonly peer: PeerId }): Replication {
    if (this.#closing) throw tableError('ERR_TABLE_CLOSED')
    if (channel.maxMessageBytes < MESSAGE_BYTES_MIN) {
      throw new RangeError(`a channel for replication carries messages of at least ${MESSAGE_BYTES_MIN} bytes`)
    }
    const peerName = shortNameOf(publicKeyOf(peer))
    return this.#replications.begin(peer, (beside) =>
      startReplication({
        ...beside,
        channel,
        peer,
        runtime: this.#options.runtime,
        index: this.#index,
        instance: this.#instance,
        PouchDB: this.#pouch.PouchDB,
        proof: this.#proof,
        nowMs: this.#nowMs,
        turns: this.#turns,
        admit: (received, origin) => this.#admitReceived(received, origin),
        want: (row) => this.#want(row, () => row.name === peerName || this.#hasRoom(peer)),
        aheadMax: () =>
          this.#index.size < FULL_FEED_BELOW_RECORDS ? INTRODUCED_RECORDS_MAX - this.#index.introducedBy(peer).size : 0,
      }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  destroy(): void {
    this.#closing = this.#end()
  }

  async #close(): Promise<void> {
    await this.#own?.leave()
    await this.#within(FAREWELL_MS, this.#replications.sayFarewell())
    await this.#end()
  }

  async #end(): Promise<void> {
    this.#replications.abort()
    await this.#scope.close()
    await this.#store.close()
  }

  /** Whichever is first: the work, or the end of patience. */
  #within(delayMs: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#scope.timer(this.#options.runtime.clock, delayMs, resolve)
      void work.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  async #admitAndStore(documents: readonly unknown[], origin: Origin): Promise<readonly Verdict[]> {
    const { verdicts, admitted } = await this.#admission.admit(documents, origin)
    if (admitted.length > 0) await this.#store.write(admitted)
    return verdicts
  }

  async #admitReceived(received: readonly Received[], origin: Origin): Promise<readonly (Refusal | undefined)[]> {
    // In a small swarm all is news: a newcomer that one node met is called by the others right away.
    const isNews = origin.isNews || Math.max(this.#index.size, this.#replications.toldSize) <= SMALL_SWARM_RECORDS
    const { refusals, admitted } = await this.#admission.admitReceived(received, { ...origin, isNews })
    if (admitted.length > 0) await this.#store.write(admitted)
    return refusals
  }

  /** Whether a row tells of something that we lack, another body for the seq that we have included. */
  #want({ name, seq, check, received }: Row, hasRoom: () => boolean): Want {
    if (typeof received === 'string') return 'lacking' // the admission has a word for it
    const known = received ? this.#index.byKey(received.key) : this.#index.named(name)
    if (!known) return hasRoom() ? 'lacking' : 'unwelcome'
    if (seq > known.record.seq || isExpired(known.record, this.#nowMs())) return 'lacking'
    if (seq < known.record.seq) return 'known'
    const isSame = received ? equalBytes(received.envelope, known.envelope) : check === checkOf(known.envelope)
    return isSame ? 'known' : 'lacking'
  }

  /** Spares asking for what would be refused; of the peer itself the admission judges. */
  #hasRoom(peer: PeerId): boolean {
    return typeof this.#admission.findRoom(peer) === 'object'
  }

  #sweepLater(): void {
    this.#scope.timer(this.#options.runtime.clock, SWEEP_INTERVAL_MS, () => {
      const nowMs = this.#nowMs()
      for (const { record } of [...this.#index.values()]) {
        if (record.id === this.#options.keyPair.peerId || !isForgotten(record, nowMs)) continue
        this.#index.remove(record.id)
      }
      void this.#store.tidy()
      this.#sweepLater()
    })
  }

  /** A lasting database is found again by its name; one in memory must not be shared by two tables of one process. */
  #databaseName(): string {
    const { keyPair, network, name = `resilient-swarm/${network}/${keyPair.peerId}` } = this.#options
    return this.#pouch.adapter === 'memory' ? `${name}/${encodeHex(this.#instance)}` : name
  }
}
