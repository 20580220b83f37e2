import { equalBytes, type PeerId } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { isExpired, isForgotten, judgeTimes } from './expiry.ts'
import { INTRODUCED_RECORDS_MAX, TABLE_RECORDS_MAX } from './limits.ts'
import { chooseEvicted, type Entry, type PeerIndex } from './peer-index.ts'
import { type PeerRecord, toPeerRecord } from './peer-record.ts'
import { documentIdOf, type RecordProof, readDocument, signedRecords, type UnverifiedRecord } from './record-envelope.ts'
import { revisionOf } from './revision.ts'
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
  | 'quota' // its introducer told us of enough peers
  | 'full'
  | 'signature'
  | 'closed' // we are closing

/** What is needed to judge, as plain data. */
export interface AdmissionContext {
  readonly network: string
  readonly nowMs: number
  readonly introducer: PeerId | undefined
  readonly stored: { readonly seq: number; readonly envelope: Uint8Array; readonly isExpired: boolean } | undefined
  /** From our own database: what expired is remembered, for who knows whom to call again. */
  readonly trusted: boolean
  readonly introducedCount: number
  /** True when nothing can make room for one more. */
  readonly isFull: boolean
}

/** Everything but the signature, cheapest first. `'again'`: another body for a seq that we have; a fork, if it is signed. */
export function judgeRecord(
  { id, payload: claimed, envelope }: UnverifiedRecord,
  context: AdmissionContext,
): Refusal | 'again' | undefined {
  if (claimed.network !== context.network) return 'network'
  const { stored, introducer, nowMs } = context
  // An expired record holds nobody back: its author may have lost its counter and begun anew.
  if (stored && !stored.isExpired) {
    if (claimed.seq < stored.seq) return 'stale'
    if (claimed.seq === stored.seq) return equalBytes(stored.envelope, envelope) ? 'stale' : 'again'
  }
  const times = judgeTimes(claimed, nowMs)
  if (times && !(times === 'expired' && context.trusted && !isForgotten(claimed, nowMs))) return times
  if (stored) return undefined
  if (introducer !== undefined && introducer !== id && context.introducedCount >= INTRODUCED_RECORDS_MAX) return 'quota'
  return context.isFull ? 'full' : undefined
}

/** Where a document comes from. `trusted`: from our own database, where only admitted ones are. */
export interface Origin {
  readonly introducer?: PeerId
  readonly via?: object
  readonly trusted?: boolean
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
  readonly signal: AbortSignal
  /** A record of ours that we did not make in this life, or a newer one than we know. */
  readonly onOwn: (seq: number) => void
  /** A peer signed two bodies for one seq. */
  readonly onFork: (id: PeerId) => void
  readonly onAdmitted: (record: PeerRecord, introducer: PeerId | undefined) => void
}

export interface Admission {
  /** The one way in: judges each document alone and puts the good ones into the table. One verdict per document, in order. */
  admit(documents: readonly unknown[], origin: Origin): Promise<{ verdicts: Verdict[]; admitted: Entry[] }>
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { own, network, index, budget, proof = signedRecords, signal } = options

  const contextOf = (id: PeerId, { introducer, trusted = false }: Origin): AdmissionContext => {
    const known = index.get(id)
    const nowMs = options.nowMs()
    const isFull = index.size >= TABLE_RECORDS_MAX && !known
    return {
      network,
      nowMs,
      introducer,
      stored: known && { seq: known.record.seq, envelope: known.envelope, isExpired: isExpired(known.record, nowMs) },
      trusted,
      introducedCount: introducer === undefined ? 0 : index.introducedBy(introducer),
      isFull: isFull && !chooseEvicted(index.values(), { own, nowMs, direct: introducer === id }),
    }
  }

  const put = ({ id, payload, envelope }: UnverifiedRecord, publicKey: PublicKey, { introducer, via }: Origin): Entry => {
    if (index.size >= TABLE_RECORDS_MAX && !index.get(id)) {
      const evicted = chooseEvicted(index.values(), { own, nowMs: options.nowMs(), direct: introducer === id })
      if (evicted) index.remove(evicted.record.id)
    }
    const record = toPeerRecord(id, payload)
    const entry = index.put({ record, publicKey, envelope, introducer, via })
    options.onAdmitted(record, introducer)
    return entry
  }

  const admitOne = async (document: unknown, origin: Origin): Promise<Entry | Refusal | undefined> => {
    const parsed = readDocument(document, proof)
    if (typeof parsed === 'string') return parsed
    const { read } = parsed
    if (parsed.document._id !== documentIdOf(read.id)) return 'id'
    if (read.payload.network !== network) return 'network'
    if (parsed.document._rev !== revisionOf(read.key, read.payload.seq)) return 'revision'
    for (;;) {
      // From here to `put` without a pause: what was judged is what is written.
      const judgement = judgeRecord(read, contextOf(read.id, origin))
      if (judgement !== undefined && judgement !== 'again') return judgement
      if (!origin.trusted && !budget.take()) {
        await budget.wait(signal)
        if (signal.aborted) return 'closed'
        continue
      }
      const publicKey = origin.trusted ? (read.key as PublicKey) : proof.prove(read)
      if (!publicKey) return 'signature'
      if (read.id === own && !origin.trusted) {
        options.onOwn(read.payload.seq)
        return undefined
      }
      if (judgement === 'again') {
        options.onFork(read.id)
        return 'stale'
      }
      return put(read, publicKey, origin)
    }
  }

  return {
    async admit(documents, origin) {
      const verdicts: Verdict[] = []
      const admitted: Entry[] = []
      for (const document of documents) {
        const outcome = await admitOne(document, origin)
        const id = idOf(document)
        if (typeof outcome === 'string') verdicts.push({ id, refusal: outcome })
        else verdicts.push({ id })
        if (typeof outcome === 'object') admitted.push(outcome)
      }
      return { verdicts, admitted }
    },
  }
}

function idOf(document: unknown): string {
  const id = typeof document === 'object' && document !== null ? (document as { _id?: unknown })._id : undefined
  return typeof id === 'string' ? id : ''
}
