import {
  type Channel,
  type Closable,
  type CloseReason,
  encodeHex,
  type PeerId,
  type Runtime,
  Scope,
  type SwarmError,
} from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import type { Origin, Refusal } from './admission.ts'
import { createAdmittingDatabase } from './admitting-database.ts'
import { bucketCountFor, digestOf, SALT_BYTES } from './digest.ts'
import {
  BATCH_DOCUMENTS,
  DONE_PATIENCE_MS,
  FORGED_RECORDS_MAX,
  REQUEST_TIMEOUT_MS,
  UNDONE_BYTES_MAX,
  UNDONE_CHANGES_MAX,
} from './limits.ts'
import { createPace, gatherMs, PUSH_GATHER_MS } from './pace.ts'
import type { PeerIndex } from './peer-index.ts'
import type { PouchConstructor } from './pouchdb.ts'
import type { ReadingTurns } from './reading-turns.ts'
import type { RecordProof } from './record-envelope.ts'
import { createRemoteDatabase } from './remote-database.ts'
import { createRemoteView, type Received, type RemoteInfo, type Row } from './remote-view.ts'
import { runReplicator } from './run-replicator.ts'
import { serveView } from './served-view.ts'
import { shortNameOf } from './short-name.ts'
import { protocolError, tableError } from './table-error.ts'
import { encodeViewMessage, parseViewMessage, type ViewMessage } from './view-messages.ts'

/** Why a replication ended: the codes of `docs/protocol/peer-table.md`. */
export const REPLICATION_END = { finished: 0, failed: 1, malformed: 2, disorder: 3, forged: 4, silent: 5 } as const

/** Where a peer's feed was left, and in which of its lives. */
export interface Place {
  readonly instance: string
  readonly feedSeq: number
}

export interface ReplicationOptions {
  readonly channel: Channel
  readonly peer: PeerId
  readonly runtime: Runtime
  readonly index: PeerIndex
  readonly instance: Uint8Array
  readonly PouchDB: Pick<PouchConstructor, 'replicate'>
  readonly proof: RecordProof
  readonly nowMs: () => number
  readonly turns: ReadingTurns
  /** The way in for what this peer brings. */
  readonly admit: (received: readonly Received[], origin: Origin) => Promise<readonly (Refusal | undefined)[]>
  readonly want: (row: Row) => Want
  /** Records that may come along with their rows. */
  readonly aheadMax: () => number
  readonly place: Place | undefined
  readonly onPlace: (place: Place) => void
  /** Whether enough other links would stay eager. */
  readonly mayTurnLazy: () => boolean
}

/** What the table makes of a row: it lacks that, it has it, or it has no room for it. */
export type Want = 'lacking' | 'known' | 'unwelcome'

/** Pull in both directions over one channel: we serve our table and read the peer's. */
export interface Replication extends Closable {
  readonly closed: Promise<CloseReason>
  /** Whether new records go out over it whole and at once. */
  readonly isEager: boolean
  /** How many records the peer said that it has; 0 until it did. */
  readonly toldCount: number
  /** Resolves when the peer has stored everything that we have now, or can no longer. */
  whenDelivered(): Promise<void>
  /** Ends now; the peer learns that it was no ordinary end. */
  abort(error: SwarmError): void
}

/** `target`: the checkpoint is written on our side only. `main_only`: a document has one leaf. */
const RUN_OPTIONS = { live: true, retry: false, batch_size: BATCH_DOCUMENTS, checkpoint: 'target', style: 'main_only' }

/** What no honest peer hands on, whatever it was told itself. */
const FORGERIES: ReadonlySet<Refusal> = new Set(['shape', 'size', 'id', 'network', 'revision', 'signature'])

/** Messages that the view's owner sends; the others are asked by its reader. */
const TOLD: ReadonlySet<ViewMessage['type']> = new Set(['info', 'changes', 'caughtUp', 'documents'])

export function startReplication(options: ReplicationOptions): Replication {
  const { channel, peer, runtime, index, instance } = options
  const scope = new Scope()
  const via = {}
  let forged = 0
  let end: CloseReason | undefined
  let waiting: { cancel(): void } | undefined
  let settling: { cancel(): void } | undefined
  let settledSeq = 0
  /** What came since we last said that we are done. */
  const undone = { rows: 0, bytes: 0 }
  /** Where the author's own newest record stands: whoever says goodbye waits for it to be taken. */
  let authorSeq = 0
  const peerName = shortNameOf(publicKeyOf(peer))

  const waitingForDelivery: (() => void)[] = []
  const tellDelivered = (): void => {
    for (const resolve of waitingForDelivery.splice(0)) resolve()
  }
  scope.add(tellDelivered)
  const breakOff = (code: number, error: SwarmError): void => {
    if (end) return
    end = { by: 'us', code, error }
    runtime.log.debug('A table replication was broken off.', { peer, code, cause: error.message })
    channel.abort(error)
    void scope.close()
  }
  const pace = createPace({
    clock: runtime.clock,
    onTurn: (eager) => served.setEager(eager),
    send: (eager) => tell({ type: 'pace', eager }),
  })
  const tell = (message: ViewMessage): boolean => channel.send(encodeViewMessage(message))
  let gathering: { readonly dueMs: number; cancel(): void } | undefined
  const served = serveView({
    index,
    instance,
    peer,
    via,
    nowMs: options.nowMs,
    messageBytesMax: channel.maxMessageBytes,
    send: (message) => channel.send(message),
    takePush: () => pace.takePush(),
    onGathering(isSoon) {
      if (gathering && !isSoon) return
      const delayMs = isSoon ? PUSH_GATHER_MS : gatherMs(index.size, runtime.random.fraction())
      const dueMs = runtime.clock.monotonic() + delayMs
      if (gathering && gathering.dueMs <= dueMs) return
      gathering?.cancel()
      const timer = scope.timer(runtime.clock, delayMs, () => {
        gathering = undefined
        served.flush()
      })
      gathering = { dueMs, cancel: () => timer.cancel() }
    },
  })
  scope.add(() => served.close())
  const view = createRemoteView({
    proof: options.proof,
    send(message) {
      channel.send(message)
    },
    onAsked: () => expectAnswer(),
    isWanted(row, isLive) {
      served.heard(row)
      noteUndone(row)
      const want = options.want(row)
      // It came whole, and others had brought it.
      if (want === 'known' && row.received && isLive && pace.isEager && options.mayTurnLazy()) pace.ask(false)
      return want === 'lacking'
    },
    onNothingWanted: (feedSeq) => settleLater(feedSeq),
  })
  scope.add(() => view.close())
  scope.add(() => {
    if (view.told && settledSeq > 0) options.onPlace({ instance: view.told.instance, feedSeq: settledSeq })
  })

  const admit = async (received: readonly Received[], isNews: boolean): Promise<readonly (Refusal | undefined)[]> => {
    const refusals = await options.admit(received, { introducer: peer, via, isNews })
    forged += refusals.filter((refusal) => refusal && FORGERIES.has(refusal)).length
    if (forged >= FORGED_RECORDS_MAX) breakOff(REPLICATION_END.forged, tableError('ERR_TABLE_FORGED'))
    return refusals
  }
  const target = createAdmittingDatabase({
    id: encodeHex(instance),
    view,
    admit,
    isWanted: (row) => options.want(row) === 'lacking',
    onCheckpoint(feedSeq) {
      view.settle(feedSeq)
      settleLater(feedSeq)
    },
  })
  const source = createRemoteDatabase({ view, onFetchedNews: () => pace.ask(true) })

  options.turns.whenFree(() => served.begin())
  let turn: { end(): void } | undefined
  scope.add(() => turn?.end())
  void view.info.then((info) => {
    if (!end) turn = options.turns.take(() => startReading(info))
  })

  function startReading(info: RemoteInfo): void {
    if (end) return
    const since = options.place?.instance === info.instance ? Math.min(options.place.feedSeq, info.feedSeq) : 0
    const scopeOfDigest = { items: index.values(), nowMs: options.nowMs() }
    const digest = digestOf(scopeOfDigest, runtime.random.bytes(SALT_BYTES), bucketCountFor(index.size))
    view.subscribe({ since, ahead: options.aheadMax(), digest })
    runReplicator({
      start: () => options.PouchDB.replicate(source, target, { ...RUN_OPTIONS }),
      clock: runtime.clock,
      scope,
      onFailed: (cause) => breakOff(REPLICATION_END.failed, tableError('ERR_TABLE_FAILED', cause)),
    })
  }

  /** Up to here everything is stored, or not wanted. */
  function settle(feedSeq: number): void {
    settling?.cancel()
    settling = undefined
    settledSeq = feedSeq
    Object.assign(undone, { rows: 0, bytes: 0 })
    if (authorSeq <= feedSeq) authorSeq = 0
    view.done(feedSeq)
    if (view.isSettled) turn?.end()
  }

  function noteUndone({ name, received, feedSeq }: Row): void {
    undone.rows++
    if (typeof received === 'object') undone.bytes += received.envelope.byteLength
    if (name === peerName) authorSeq = feedSeq
  }

  /** That we are done with it is said together with what comes next, or after a while. */
  function settleLater(feedSeq: number): void {
    settledSeq = feedSeq
    if (view.isSettled) turn?.end()
    const { rows, bytes } = undone
    const isByAuthor = authorSeq > 0 && authorSeq <= feedSeq
    const isDue = !view.isCaughtUp || isByAuthor || rows >= UNDONE_CHANGES_MAX || bytes >= UNDONE_BYTES_MAX
    if (isDue) settle(feedSeq)
    else settling ??= scope.timer(runtime.clock, DONE_PATIENCE_MS, () => settle(settledSeq))
  }

  /** One timer for whatever the peer owes us: who it is first, then each answer whole. What it says beside that buys it no time. */
  function expectAnswer({ isAnswered = false } = {}): void {
    if (isAnswered || !view.isAwaited) {
      waiting?.cancel()
      waiting = undefined
    }
    if (view.isAwaited && !waiting && !end) {
      waiting = scope.timer(runtime.clock, REQUEST_TIMEOUT_MS, () =>
        breakOff(REPLICATION_END.silent, tableError('ERR_TABLE_SILENT')),
      )
    }
  }
  expectAnswer()

  channel.onDrain = () => served.drained()
  channel.onMessage = (bytes) => {
    if (end) return
    const message = parseViewMessage(bytes)
    if (!message) return breakOff(REPLICATION_END.malformed, protocolError('sent a message that is none'))
    if (message.type === 'pace') return pace.turn(message.eager)
    const isOrderly = TOLD.has(message.type) ? view.receive(message) : served.receive(message)
    if (!isOrderly) return breakOff(REPLICATION_END.disorder, protocolError(`sent ${message.type} out of order`))
    if (message.type === 'caughtUp' && view.isSettled) settle(message.feedSeq)
    if (TOLD.has(message.type))
      expectAnswer({ isAnswered: message.type === 'info' || (message.type === 'documents' && message.last) })
    else if (waitingForDelivery.length > 0 && served.isDone) tellDelivered()
  }
  const closed = channel.closed.then(async (reason) => {
    end ??= reason
    await scope.close()
    return end
  })

  return {
    closed,
    get isEager() {
      return pace.isEager
    },
    get toldCount() {
      return view.told?.count ?? 0
    },
    abort: (error) => breakOff(REPLICATION_END.failed, error),
    whenDelivered() {
      served.flush()
      if (end || served.isDone) return Promise.resolve()
      return new Promise((resolve) => waitingForDelivery.push(resolve))
    },
    async close() {
      channel.close()
      await closed
    },
  }
}
