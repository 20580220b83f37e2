import {
  type Channel,
  type Closable,
  type CloseReason,
  decodeHex,
  encodeHex,
  type PeerId,
  type Runtime,
  Scope,
  type SwarmError,
} from '@resilient-swarm/contract'
import type { Refusal, Verdict } from './admission.ts'
import { createAdmittingDatabase } from './admitting-database.ts'
import { BATCH_DOCUMENTS, FORGED_RECORDS_MAX, REQUEST_TIMEOUT_MS } from './limits.ts'
import type { PeerIndex } from './peer-index.ts'
import type { PouchConstructor } from './pouchdb.ts'
import type { RecordProof } from './record-envelope.ts'
import { createRemoteDatabase } from './remote-database.ts'
import { createRemoteView, type Row } from './remote-view.ts'
import { runReplicator } from './run-replicator.ts'
import { serveView } from './served-view.ts'
import { protocolError, tableError } from './table-error.ts'
import { INSTANCE_BYTES, parseViewMessage, type ViewMessage } from './view-messages.ts'

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
  /** The way in for what this peer brings; `via` marks it. */
  readonly admit: (documents: readonly unknown[], via: object) => Promise<readonly Verdict[]>
  readonly isWanted: (row: Row) => boolean
  readonly wantsFull: boolean
  readonly place: Place | undefined
  readonly onPlace: (place: Place) => void
}

/** Pull in both directions over one channel: we serve our table and read the peer's. */
export interface Replication extends Closable {
  readonly closed: Promise<CloseReason>
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
  const send = (message: Uint8Array): boolean => channel.send(message)
  const served = serveView({
    index,
    instance,
    peer,
    via,
    nowMs: options.nowMs,
    messageBytesMax: channel.maxMessageBytes,
    send,
  })
  scope.add(() => served.close())
  const from = options.place
    ? { instance: decodeHex(options.place.instance), feedSeq: options.place.feedSeq }
    : { instance: new Uint8Array(INSTANCE_BYTES), feedSeq: 0 }
  const view = createRemoteView({
    from,
    proof: options.proof,
    full: options.wantsFull,
    send(message) {
      send(message)
    },
    onAsked: () => expectAnswer(),
  })
  scope.add(() => view.close())

  const admit = async (documents: readonly unknown[]): Promise<readonly Verdict[]> => {
    const verdicts = await options.admit(documents, via)
    forged += verdicts.filter(({ refusal }) => refusal && FORGERIES.has(refusal)).length
    if (forged >= FORGED_RECORDS_MAX) breakOff(REPLICATION_END.forged, tableError('ERR_TABLE_FORGED'))
    return verdicts
  }
  const target = createAdmittingDatabase({
    id: encodeHex(instance),
    view,
    admit,
    isWanted: options.isWanted,
    onCheckpoint(feedSeq) {
      view.done(feedSeq)
      void view.info.then((info) => options.onPlace({ instance: info.instance, feedSeq }))
    },
  })
  runReplicator({
    start: () => options.PouchDB.replicate(createRemoteDatabase(view, options.proof), target, { ...RUN_OPTIONS }),
    clock: runtime.clock,
    scope,
    onFailed: (cause) => breakOff(REPLICATION_END.failed, tableError('ERR_TABLE_FAILED', cause)),
  })

  /** One timer for whatever the peer owes us: who it is first, then answers. */
  function expectAnswer(): void {
    waiting?.cancel()
    waiting = undefined
    if (view.isAwaited && !end) {
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
    const isOrderly = TOLD.has(message.type) ? view.receive(message) : served.receive(message)
    if (!isOrderly) return breakOff(REPLICATION_END.disorder, protocolError(`sent ${message.type} out of order`))
    if (TOLD.has(message.type)) expectAnswer()
    else if (waitingForDelivery.length > 0 && served.isDone) tellDelivered()
  }
  const closed = channel.closed.then(async (reason) => {
    end ??= reason
    await scope.close()
    return end
  })

  return {
    closed,
    abort: (error) => breakOff(REPLICATION_END.failed, error),
    whenDelivered() {
      if (end || served.isDone) return Promise.resolve()
      return new Promise((resolve) => waitingForDelivery.push(resolve))
    },
    async close() {
      channel.close()
      await closed
    },
  }
}
