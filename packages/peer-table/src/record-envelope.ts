import { decodeBase64Url, encodeBase64Url, type PeerId, SwarmError } from '@resilient-swarm/contract'
import {
  DOMAINS,
  ENVELOPE_OVERHEAD_BYTES,
  type KeyPair,
  openEnvelope,
  type PublicKey,
  sealEnvelope,
} from '@resilient-swarm/identity'
import { ANCESTRY_BRIDGE_MAX, RECORD_BYTES_MAX } from './limits.ts'
import { encodeRecord, idOfKey, type PeerRecord, parseRecord, type RecordPayload } from './peer-record.ts'
import type { TableDocument, WritableDocument } from './pouchdb.ts'
import { type Ancestry, ancestryOf, leafOf } from './revision.ts'
import { type ShortName, shortNameOf } from './short-name.ts'

const KEY_BYTES = 32
const ID_PREFIX = 'peer:'
const DOCUMENT_FIELDS = new Set(['_id', '_rev', '_revisions', 'envelope'])
/** Base64 of the largest envelope; a longer text is not even decoded. */
const ENVELOPE_TEXT_MAX = Math.ceil((RECORD_BYTES_MAX * 4) / 3)

/** What an envelope says, before anybody checked who says it. */
export interface UnverifiedRecord {
  readonly id: PeerId
  readonly name: ShortName
  readonly key: Uint8Array
  readonly payload: RecordPayload
  readonly envelope: Uint8Array
}

/** A record with the bytes that prove it. */
export interface SealedRecord {
  readonly record: Pick<PeerRecord, 'id' | 'seq'>
  readonly publicKey: Uint8Array
  readonly envelope: Uint8Array
}

/** How records are made and believed. There is one way, `signedRecords`; a simulator of thousands of nodes brings a cheaper one. */
export interface RecordProof {
  seal(keyPair: KeyPair, record: PeerRecord, network: string): Uint8Array
  /** Without believing it. */
  read(envelope: Uint8Array): UnverifiedRecord | 'size' | 'shape'
  /** The author's key if it said this, undefined otherwise. */
  prove(read: UnverifiedRecord): PublicKey | undefined
}

/** A RangeError over `RECORD_BYTES_MAX`. */
export function sealRecord(keyPair: KeyPair, record: PeerRecord, network: string): Uint8Array {
  const envelope = sealEnvelope({ keyPair, domain: DOMAINS.record, payload: encodeRecord(record, network) })
  if (envelope.byteLength > RECORD_BYTES_MAX) throw new RangeError(`a record is at most ${RECORD_BYTES_MAX} bytes`)
  return envelope
}

/** Reads an envelope without believing it; `proveRecord` comes last because it costs the most. */
export function readEnvelope(envelope: Uint8Array): UnverifiedRecord | 'size' | 'shape' {
  if (envelope.byteLength > RECORD_BYTES_MAX) return 'size'
  if (envelope.byteLength < ENVELOPE_OVERHEAD_BYTES) return 'shape'
  const key = envelope.slice(0, KEY_BYTES)
  const payload = parseRecord(envelope.subarray(ENVELOPE_OVERHEAD_BYTES))
  if (!payload) return 'shape'
  const name = shortNameOf(key)
  if (payload.links.some((link) => link.name === name)) return 'shape'
  return new ReadRecord(key, name, payload, envelope)
}

class ReadRecord implements UnverifiedRecord {
  readonly key: Uint8Array
  readonly name: ShortName
  readonly payload: RecordPayload
  readonly envelope: Uint8Array
  #id: PeerId | undefined

  constructor(key: Uint8Array, name: ShortName, payload: RecordPayload, envelope: Uint8Array) {
    this.key = key
    this.name = name
    this.payload = payload
    this.envelope = envelope
  }

  /** Made when it is asked for: most that arrives again is known by its name already. */
  get id(): PeerId {
    this.#id ??= idOfKey(this.key)
    return this.#id
  }
}

/** The author's key if it signed this as a record, undefined otherwise. */
export function proveRecord({ envelope }: UnverifiedRecord): PublicKey | undefined {
  try {
    return openEnvelope({ domain: DOMAINS.record, bytes: envelope }).publicKey
  } catch (error) {
    if (error instanceof SwarmError) return undefined
    throw error
  }
}

export const signedRecords: RecordProof = { seal: sealRecord, read: readEnvelope, prove: proveRecord }

export function documentIdOf(peerId: string): string {
  return ID_PREFIX + peerId
}

/** The document of a record as it goes into the database; `stored` is the seq that the database has of it. */
export function toDocument({ record, publicKey, envelope }: SealedRecord, stored?: number): WritableDocument {
  const ancestry = ancestryOf(publicKey, record.seq, stored)
  return {
    _id: documentIdOf(record.id),
    _rev: leafOf(ancestry),
    _revisions: ancestry,
    envelope: encodeBase64Url(envelope),
  }
}

/** What of a document can be told without its meaning: exactly our fields, and an envelope in its one spelling. */
export function readDocument(
  document: unknown,
  proof: RecordProof = signedRecords,
): { document: TableDocument; read: UnverifiedRecord } | 'size' | 'shape' {
  if (typeof document !== 'object' || document === null) return 'shape'
  const { _id, _rev, _revisions, envelope } = document as Record<string, unknown>
  if (Object.keys(document).some((name) => !DOCUMENT_FIELDS.has(name))) return 'shape'
  if (typeof _id !== 'string' || typeof _rev !== 'string' || typeof envelope !== 'string') return 'shape'
  if (_revisions !== undefined && !isAncestry(_revisions)) return 'shape'
  if (envelope.length > ENVELOPE_TEXT_MAX) return 'size'
  const bytes = decodeBase64Url(envelope)
  if (!bytes) return 'shape'
  const read = proof.read(bytes)
  return typeof read === 'string' ? read : { document: { _id, _rev, envelope }, read }
}

/** Others' ancestry is never used; it is at most as long as one that we would write. */
function isAncestry(value: unknown): value is Ancestry {
  if (typeof value !== 'object' || value === null) return false
  const { start, ids } = value as Record<string, unknown>
  return Number.isSafeInteger(start) && Array.isArray(ids) && ids.length <= ANCESTRY_BRIDGE_MAX + 1
}
