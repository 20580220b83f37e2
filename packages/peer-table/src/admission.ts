import { type Bucket, type Clock, compareBytes, equalBytes, fullBucket, type PeerId, takeToken } from '@resilient-swarm/contract'
import { type PublicKey, publicKeyOf } from '@resilient-swarm/identity'
import { isExpired, isForgotten, judgeTimes } from './expiry.ts'
import { AUTHOR_CHANGES_BURST, AUTHOR_CHANGES_PER_SECOND, DOCUMENTS_PER_TURN } from './limits.ts'
import type { Entry, PeerIndex } from './peer-index.ts'
import { type PeerRecord, toPeerRecord } from './peer-record.ts'
import { documentIdOf, type RecordProof, readDocument, signedRecords, type UnverifiedRecord } from './record-envelope.ts'
import type { Received } from './remote-view.ts'
import { revisionOf } from './revision.ts'
import { findRoom, type Room } from './room.ts'
import { shortNameOf } from './short-name.ts'
import type { VerifyBudget } from './verify-budget.ts'

/** Why a document is not let in. */
export type Refusal =
  | 'shape' // not exactly our fields, or an envelope that is no record
  | 'size'
  | 'id' // the document's id is not the record's key
  | 'network'
  | 'revision' // `_rev` is not the computed one
  | 'stale' // we have this seq or a newer one
  | 'expired'
  | 'future' // made later than now, or to last longer than a day
  | 'rate' // its author changes it all the time
  | 'quota' // its introducer told us of enough peers
  | 'full'
  | 'signature'
  | 'closed' // we are closing

/** What the table has of the author. */
export interface Stored {
  readonly seq: number
  readonly createdMs: number
  readonly envelope: Uint8Array
  readonly isExpired: boolean
  /** Its author signed two bodies for one seq before. */
  readonly isForked: boolean
}

/** What is needed to judge, as plain data. */
export interface AdmissionContext {
  readonly network: string
  readonly nowMs: number
  readonly stored: Stored | undefined
  /** Made by us or from our own database: what expired is remembered, for who knows whom to call again. */
  readonly trusted: boolean
  /** Whether the author changed its record more often than anybody needs to. */
  readonly isOverRate: boolean
  /** For one that is not stored. */
  readonly room: Room
}

/** `'worse'`: another body for a seq that we have, which is a fork if it is signed, and does not replace ours. */
export type Judgement = Refusal | 'worse' | 'better' | undefined

/** Everything but the signature, cheapest first. Undefined: it may come in; `'better'`: it may, and is a fork. */
export function judgeRecord(claimed: UnverifiedRecord, context: AdmissionContext): Judgement {
  const { payload } = claimed
  if (payload.network !== context.network) return 'network'
  const { stored, nowMs } = context
  const precedence = stored ? comparePrecedence(claimed, stored) : 1
  if (precedence === 0) return 'stale'
  const isFork = stored !== undefined && payload.seq === stored.seq && !stored.isExpired
  // Known to fork, and nothing to win: not worth a check.
  if (precedence < 0 && !(isFork && !stored.isForked)) return 'stale'
  const times = judgeTimes(payload, nowMs)
  if (times && !(times === 'expired' && context.trusted && !isForgotten(payload, nowMs))) return times
  if (precedence < 0) return 'worse'
  if (stored && context.isOverRate) return 'rate'
  if (!stored && typeof context.room === 'string') return context.room
  return isFork ? 'better' : undefined
}

/**
 * Which of two records of one author holds: the larger seq, and of two bodies for one seq the smaller bytes, so that everybody who
 * saw both has the same. What expired holds back only what was made before it: its author may have lost its counter and begun anew.
 */
function comparePrecedence({ payload, envelope }: UnverifiedRecord, stored: Stored): number {
  if (stored.isExpired && payload.seq <= stored.seq) return payload.createdMs > stored.createdMs ? 1 : -1
  return payload.seq - stored.seq || compareBytes(stored.envelope, envelope)
}

/** Where a document comes from. */
export interface Origin {
  readonly introducer?: PeerId
  readonly via?: object
  /** Made by us in this life: its signature is a moment old. */
  readonly trusted?: boolean
  /** From our own database. A disk may have changed it, and one bad record handed on costs our name: its signature is checked again. */
  readonly remembered?: boolean
  /** It came as news, and others are to hear of it as news. */
  readonly isNews?: boolean
}

/** No stranger's: it costs no budget. */
function isOurs({ trusted = false, remembered = false }: Origin): boolean {
  return trusted || remembered
}

export interface Verdict {
  readonly id: string
  readonly refusal?: Refusal
}

export interface AdmissionOptions {
  readonly own: PeerId
  readonly network: string
  readonly index: PeerIndex
  readonly budget: VerifyBudget
  readonly proof?: RecordProof
  readonly nowMs: () => number
  readonly clock: Clock
  readonly isConnected: (id: PeerId) => boolean
  /** A record of ours that we did not make in this life, or a newer one than we know. */
  readonly onOwn: (seq: number) => void
  /** A peer signed two bodies for one seq. */
  readonly onFork: (id: PeerId) => void
  readonly onAdmitted: (record: PeerRecord, introducer: PeerId | undefined) => void
}

export interface Admission {
  /** For somebody whom this peer would introduce. */
  findRoom(introducer: PeerId): Room
  /** Judges each document alone and puts the good ones into the table. One verdict per document, in order. */
  admit(documents: readonly unknown[], origin: Origin): Promise<{ verdicts: Verdict[]; admitted: Entry[] }>
  /** The same for records that a peer handed on, which have no document yet. */
  admitReceived(received: readonly Received[], origin: Origin): Promise<{ refusals: (Refusal | undefined)[]; admitted: Entry[] }>
}

const AUTHOR_CHANGES = { perSecond: AUTHOR_CHANGES_PER_SECOND, burst: AUTHOR_CHANGES_BURST }

export function createAdmission(options: AdmissionOptions): Admission {
  const { own, network, index, budget, proof = signedRecords, clock } = options

  const ownName = shortNameOf(publicKeyOf(own))

  const roomFor = (id: PeerId | undefined, { introducer }: Origin): Room =>
    findRoom(index, { id, introducer }, { own, nowMs: options.nowMs(), isConnected: options.isConnected })

  const takeChange = (changes: Bucket | undefined) => {
    const nowMs = clock.monotonic()
    return takeToken(changes ?? fullBucket(AUTHOR_CHANGES, nowMs), AUTHOR_CHANGES, nowMs)
  }

  const contextOf = (read: UnverifiedRecord, origin: Origin): AdmissionContext => {
    const known = index.byKey(read.key)
    const nowMs = options.nowMs()
    const wasExpired = known !== undefined && isExpired(known.record, nowMs)
    const mayChange = known !== undefined && known.record.id !== own && (wasExpired || read.payload.seq >= known.record.seq)
    return {
      network,
      nowMs,
      stored: known && {
        seq: known.record.seq,
        createdMs: known.record.createdMs,
        envelope: known.envelope,
        isExpired: wasExpired,
        isForked: index.forked.has(known.record.id),
      },
      trusted: isOurs(origin),
      isOverRate: mayChange && !takeChange(known.changes).allowed,
      room: known ? {} : roomFor(read.id, origin),
    }
  }

  const put = (read: UnverifiedRecord, publicKey: PublicKey, origin: Origin): Entry => {
    const { payload, envelope } = read
    const { introducer, via, isNews = false } = origin
    const known = index.byKey(read.key)
    const id = known?.record.id ?? read.id
    const room = known ? {} : roomFor(id, origin)
    if (typeof room === 'object' && room.evicted !== undefined) index.remove(room.evicted)
    const record = toPeerRecord(id, payload, index.createResolver())
    const changes = takeChange(known?.changes).bucket
    const entry = index.put({ record, publicKey, envelope, introducer, via, isNews, changes })
    options.onAdmitted(record, introducer)
    return entry
  }

  /** A record of ours that comes from outside. It tells only how far we counted, so its times do not matter. */
  const admitOwn = async (read: UnverifiedRecord): Promise<Refusal | undefined> => {
    const known = index.get(own)
    const isNews = !known || read.payload.seq >= known.record.seq
    if (!isNews || (known && equalBytes(known.envelope, read.envelope))) return 'stale'
    if (!(await takeCheck())) return 'closed'
    if (!proof.prove(read)) return 'signature'
    options.onOwn(read.payload.seq)
    return undefined
  }

  /** False: the table closed while it waited. */
  const takeCheck = async (): Promise<boolean> => budget.take() || (await budget.wait())

  /** A document from the application may be any object, with a getter that throws; that is no reason to lose its neighbours. */
  const readSafely = (document: unknown): ReturnType<typeof readDocument> => {
    try {
      return readDocument(document, proof)
    } catch {
      return 'shape'
    }
  }

  const admitDocument = async (document: unknown, origin: Origin): Promise<Entry | Refusal | undefined> => {
    const parsed = readSafely(document)
    if (typeof parsed === 'string') return parsed
    const { read } = parsed
    if (parsed.document._id !== documentIdOf(read.id)) return 'id'
    if (read.payload.network !== network) return 'network'
    if (parsed.document._rev !== revisionOf(read.key, read.payload.seq)) return 'revision'
    return admitRecord(read, origin)
  }

  const admitRecord = async (read: Received, origin: Origin): Promise<Entry | Refusal | undefined> => {
    if (typeof read === 'string') return read
    if (read.payload.network !== network) return 'network'
    if (!isOurs(origin) && read.name === ownName && read.id === own) return admitOwn(read)
    for (let mayCheck = isOurs(origin); ; ) {
      // From here to `put` without a pause: what was judged is what is written.
      const judgement = judgeRecord(read, contextOf(read, origin))
      if (judgement !== undefined && judgement !== 'better' && judgement !== 'worse') return judgement
      mayCheck ||= budget.take()
      if (!mayCheck) {
        mayCheck = await budget.wait()
        if (!mayCheck) return 'closed'
        continue
      }
      const publicKey = origin.trusted ? (read.key as PublicKey) : proof.prove(read)
      if (!publicKey) return 'signature'
      if (judgement !== undefined) options.onFork(read.id)
      return judgement === 'worse' ? 'stale' : put(read, publicKey, origin)
    }
  }

  async function admitAll<Item>(
    items: readonly Item[],
    admitOne: (item: Item, origin: Origin) => Promise<Entry | Refusal | undefined>,
    origin: Origin,
  ): Promise<{ refusals: (Refusal | undefined)[]; admitted: Entry[] }> {
    const refusals: (Refusal | undefined)[] = []
    const admitted: Entry[] = []
    for (const [at, item] of items.entries()) {
      if (at > 0 && at % DOCUMENTS_PER_TURN === 0 && !origin.trusted) await budget.pause()
      const outcome = await admitOne(item, origin)
      refusals.push(typeof outcome === 'string' ? outcome : undefined)
      if (typeof outcome === 'object') admitted.push(outcome)
    }
    return { refusals, admitted }
  }

  return {
    findRoom: (introducer) => roomFor(undefined, { introducer }),
    async admit(documents, origin) {
      const { refusals, admitted } = await admitAll(documents, admitDocument, origin)
      const verdicts = documents.map((document, at): Verdict => {
        const refusal = refusals[at]
        return refusal ? { id: idOf(document), refusal } : { id: idOf(document) }
      })
      return { verdicts, admitted }
    },
    admitReceived: (received, origin) => admitAll(received, admitRecord, origin),
  }
}

function idOf(document: unknown): string {
  try {
    const id = typeof document === 'object' && document !== null ? (document as { _id?: unknown })._id : undefined
    return typeof id === 'string' ? id : ''
  } catch {
    return ''
  }
}
