import {
  type Channel,
  type Closable,
  type CloseReason,
  type PeerId,
  type Runtime,
  Scope,
  type SwarmError,
} from '@resilient-swarm/contract'
import { createAdmittingDatabase } from './admitting-database.ts'
import { createBrought } from './brought.ts'
import type { ChangesResult, PouchDatabase, PouchDocument } from './database.ts'
import type { Refusal } from './document.ts'
import { ANSWER_TIMEOUT_MS, CHANGES_BYTES_MAX, CHECKPOINTS_MAX, QUESTION_BYTES_MAX } from './limits.ts'
import { type Answer, encodeMessage, PROTOCOL_VERSION, parseAnswer, parseQuestion, type Question } from './messages.ts'
import { createPieceJoiner, createPieceSender, isAnswer, type Lane } from './pieces.ts'
import { createReading } from './reading.ts'
import { createRemoteDatabase, type Named } from './remote-database.ts'
import type { Replicate } from './replicator.ts'
import { runReplicator } from './run-replicator.ts'
import { serveDatabase } from './served-database.ts'
import { protocolError, shareError } from './share-error.ts'

/** Why an exchange ended: the codes of `docs/protocol/shared-database.md`. */
export const EXCHANGE_END = { finished: 0, failed: 1, malformed: 2, disorder: 3, silent: 4 } as const

/** How it goes with one peer; `docs…` count since this exchange began, as PouchDB names them. */
export interface PeerProgress {
  readonly peer: PeerId
  /** `paused`: everything that the peer has is here, and it tells when there is more. */
  readonly state: 'active' | 'paused'
  readonly docsRead: number
  readonly docsWritten: number
  readonly docsDenied: number
  /** Documents that the peer took from us. */
  readonly docsSent: number
  /** Changes of the peer's that were not asked for yet, about; undefined when nobody knows. */
  readonly pending: number | undefined
}

export interface ExchangeOptions {
  readonly channel: Channel
  readonly peer: PeerId
  readonly name: string
  readonly runtime: Runtime
  readonly database: PouchDatabase
  readonly databaseId: string
  readonly documentBytesMax: number
  readonly replicate: Replicate
  readonly onChange: (listener: () => void) => () => void
  readonly readChanges: (options: Record<string, unknown>) => Promise<ChangesResult>
  readonly admit: (document: PouchDocument) => Promise<boolean>
  readonly onStored: (documents: readonly PouchDocument[], progress: PeerProgress) => void
  readonly onRefused: (document: Named, refusal: Refusal) => void
  /** `active` or `paused` anew. */
  readonly onState: () => void
}

/** Pull in both directions over one channel with one peer: we serve our database and read the peer's. */
export interface Exchange extends Closable {
  readonly progress: PeerProgress
  /** True once the peer has said which database it has: it shares the name. False when it ended before. */
  readonly begun: Promise<boolean>
  readonly closed: Promise<CloseReason>
  /** Ends it at once, whatever the peer says. */
  abort(error?: SwarmError): void
}

/** What stands around a document in its message. */
const MESSAGE_ROOM_BYTES = 1024

export function startExchange(options: ExchangeOptions): Exchange {
  const { channel, peer, runtime, documentBytesMax } = options
  const scope = new Scope()
  const counts = { read: 0, written: 0, denied: 0 }
  let state: PeerProgress['state'] = 'active'
  let pending: number | undefined
  let end: CloseReason | undefined
  let tellBegun: (hasBegun: boolean) => void = () => {}
  const begun = new Promise<boolean>((resolve) => {
    tellBegun = resolve
  })

  const breakOff = (code: number, error: SwarmError): void => {
    if (end) return
    end = { by: 'us', code, error }
    runtime.log.debug('An exchange of a shared database was broken off.', { peer, code, cause: error.message })
    channel.abort(error)
    void scope.close()
  }
  const onFailed = (cause: unknown) => breakOff(EXCHANGE_END.failed, shareError('ERR_SHARE_FAILED', cause))
  const onSilent = () => breakOff(EXCHANGE_END.silent, shareError('ERR_SHARE_SILENT'))

  const brought = createBrought()
  const sender = createPieceSender(channel)
  const ask = (question: Uint8Array) => void sender.send('question', question)
  const turn = () => new Promise<void>((resolve) => scope.timer(runtime.clock, 0, resolve))
  const served = serveDatabase({
    database: options.database,
    readChanges: options.readChanges,
    isNews: (id, revisions) => !brought.hasAll(id, revisions),
    onChange: options.onChange,
    send: (answer) => sender.send('answer', answer),
    turn,
    onFailed,
  })
  const reading = createReading({ clock: runtime.clock, scope, send: ask, onSilent })
  scope.add(() => {
    served.close()
    reading.close()
    sender.close()
  })

  const progress = (): PeerProgress => ({
    peer,
    state,
    docsRead: counts.read,
    docsWritten: counts.written,
    docsDenied: counts.denied,
    docsSent: served.documentsSent,
    pending,
  })

  function refuse(document: Named, refusal: Refusal): void {
    counts.denied++
    options.onRefused(document, refusal)
  }

  function changeState(next: PeerProgress['state']): void {
    state = next
    if (!end) options.onState()
  }

  /** The peer has said which database it has: reading begins. */
  function begin({ database }: Extract<Question, { type: 'open' }>): void {
    opening.cancel()
    tellBegun(true)
    const target = createAdmittingDatabase({
      database: options.database,
      origin: { peer, database },
      turn,
      admit: options.admit,
      onAdmitted: ({ _id, _rev }) => brought.add(_id, _rev),
      onStored(documents) {
        counts.written += documents.length
        if (!end && documents.length > 0) options.onStored(documents, progress())
      },
      onRefused: (document, refusal) => refuse({ id: document._id, revision: document._rev }, refusal),
    })
    runReplicator({
      replicate: options.replicate,
      target,
      scope,
      openSource: (batchChanges) =>
        createRemoteDatabase({
          reading,
          id: `shared-database ${options.name} ${placeOf(peer)}`,
          batchChanges,
          batchBytesMax: documentBytesMax,
          turn,
          onPending(count) {
            pending = count ?? undefined
          },
          onRead(documents) {
            counts.read += documents
          },
          onRefused: refuse,
        }),
      onPaused: () => changeState('paused'),
      onActive: () => changeState('active'),
      onFailed,
    })
  }

  function receiveQuestion(question: Question): boolean {
    if (!served.receive(question)) return false
    if (question.type === 'open') begin(question)
    return true
  }

  function receive(lane: Lane, message: Uint8Array): void {
    if (end) return
    const parsed: Question | Answer | undefined = lane === 'question' ? parseQuestion(message) : parseAnswer(message)
    if (!parsed) {
      breakOff(EXCHANGE_END.malformed, protocolError('sent a message that is none'))
      return
    }
    const isOrderly =
      lane === 'question' ? receiveQuestion(parsed as Question) : reading.receive(parsed as Answer, message.byteLength)
    if (!isOrderly) breakOff(EXCHANGE_END.disorder, protocolError(`sent '${parsed.type}' out of order`))
  }

  const joiner = createPieceJoiner({
    bytesMax: {
      question: QUESTION_BYTES_MAX,
      answer: Math.max(documentBytesMax, 2 * CHANGES_BYTES_MAX) + MESSAGE_ROOM_BYTES,
    },
    onMessage: receive,
  })
  const opening = scope.timer(runtime.clock, ANSWER_TIMEOUT_MS, onSilent)
  const { databaseId: database } = options
  ask(encodeMessage({ type: 'open', v: PROTOCOL_VERSION, database, documentBytesMax }))
  channel.onDrain = () => sender.drained()
  channel.onMessage = (piece) => {
    if (end) return
    if (isAnswer(piece)) reading.progress(piece.byteLength)
    if (!joiner.push(piece)) breakOff(EXCHANGE_END.malformed, protocolError('sent a piece that is none, or one too many'))
  }
  const closed = channel.closed.then(async (reason) => {
    end ??= reason
    tellBegun(false)
    await scope.close()
    return end
  })

  return {
    get progress() {
      return progress()
    },
    begun,
    closed,
    abort: (error = shareError('ERR_SHARE_CLOSED')) => breakOff(EXCHANGE_END.failed, error),
    async close() {
      channel.close()
      await closed
    },
  }
}

/** One of a bounded number of checkpoints, so that peers who come and never return leave no more than those behind. FNV-1a. */
function placeOf(peer: PeerId): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < peer.length; index++) hash = Math.imul(hash ^ peer.charCodeAt(index), 0x01000193) >>> 0
  return hash % CHECKPOINTS_MAX
}
