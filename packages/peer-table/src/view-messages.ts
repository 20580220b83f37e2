import { concatBytes, encodeVarint, lengthPrefixed } from '@resilient-swarm/contract'
import { ByteReader, MALFORMED } from './byte-reader.ts'
import { type Digest, SALT_BYTES } from './digest.ts'
import { BULK_GET_NAMES_MAX, DIGEST_BUCKETS_MAX, RECORD_BYTES_MAX, SEQ_MAX, TABLE_RECORDS_MAX } from './limits.ts'
import { bytesOfName, SHORT_NAME_BYTES, type ShortName, shortNameOf } from './short-name.ts'

/** Every message of the `db` substream. Odd types are told by the one who has the view, even ones by the one who reads it. */
export const VIEW_MESSAGE = {
  info: 1,
  subscribe: 2,
  changes: 3,
  done: 4,
  caughtUp: 5,
  bulkGet: 6,
  documents: 7,
  pace: 8,
} as const

export const INSTANCE_BYTES = 16
const SUM_BYTES = 4
const SIGNATURE_AT = 32
const NOTHING = Uint8Array.of(0)
/** Key and signature, and a payload of at least something. */
const ENVELOPE_BYTES_MIN = 97

/**
 * A record's place in the sender's feed, `step` behind the place told before. The envelope says whose record it is and which
 * one; where the reader is expected to have it, the name, the seq and two bytes of the signature stand in its place: the last
 * tell two bodies of one seq apart.
 */
export type Change =
  | { readonly step: number; readonly envelope: Uint8Array }
  | { readonly step: number; readonly name: ShortName; readonly check: number; readonly seq: number }

export type ViewMessage =
  /** First, unasked: which life of which table this is, its newest place, how many records it has. */
  | { readonly type: 'info'; readonly instance: Uint8Array; readonly feedSeq: number; readonly count: number }
  /** Once: what stands behind `since` and is not in the digest, the first `ahead` of it with their envelopes. */
  | { readonly type: 'subscribe'; readonly since: number; readonly ahead: number; readonly digest?: Digest }
  | { readonly type: 'changes'; readonly changes: readonly Change[] }
  /** Everything up to this place is stored: room for more. */
  | { readonly type: 'done'; readonly feedSeq: number }
  /** Once: what comes from now on is new. */
  | { readonly type: 'caughtUp'; readonly feedSeq: number }
  | { readonly type: 'bulkGet'; readonly request: number; readonly names: readonly ShortName[] }
  /** Envelopes of those of the names that the view has; `last` ends the answer. */
  | { readonly type: 'documents'; readonly request: number; readonly last: boolean; readonly envelopes: readonly Uint8Array[] }
  /** Both ways from now on: new records at once and whole, or gathered and by name. */
  | { readonly type: 'pace'; readonly eager: boolean }

export function encodeViewMessage(message: ViewMessage): Uint8Array {
  return concatBytes(encodeVarint(VIEW_MESSAGE[message.type]), ...encodeBody(message))
}

function encodeBody(message: ViewMessage): Uint8Array[] {
  switch (message.type) {
    case 'info':
      return [message.instance, encodeVarint(message.feedSeq), encodeVarint(message.count)]
    case 'subscribe':
      return [encodeVarint(message.since), encodeVarint(message.ahead), ...encodeDigest(message.digest)]
    case 'changes':
      return message.changes.map(encodeChange)
    case 'done':
    case 'caughtUp':
      return [encodeVarint(message.feedSeq)]
    case 'bulkGet':
      return [encodeVarint(message.request), ...message.names.map(bytesOfName)]
    case 'documents':
      return [encodeVarint(message.request), encodeVarint(message.last ? 1 : 0), ...message.envelopes.map(lengthPrefixed)]
    case 'pace':
      return [encodeVarint(message.eager ? 1 : 0)]
  }
}

/** One change as it stands in `changes`; lists end with their message, so parts can be joined. */
export function encodeChange(change: Change): Uint8Array {
  if ('envelope' in change)
    return concatBytes(encodeVarint(change.step), encodeVarint(change.envelope.byteLength), change.envelope)
  return concatBytes(
    encodeVarint(change.step),
    NOTHING,
    bytesOfName(change.name),
    encodeCheck(change.check),
    encodeVarint(change.seq),
  )
}

/** Two bytes of an envelope's signature. */
export function checkOf(envelope: Uint8Array): number {
  return ((envelope[SIGNATURE_AT] as number) << 8) | (envelope[SIGNATURE_AT + 1] as number)
}

function encodeCheck(check: number): Uint8Array {
  return Uint8Array.of(check >>> 8, check & 0xff)
}

function encodeDigest(digest: Digest | undefined): Uint8Array[] {
  if (!digest) return []
  const { salt, sums } = digest
  const bytes = new DataView(new ArrayBuffer(sums.length * SUM_BYTES))
  for (const [at, sum] of sums.entries()) bytes.setUint32(at * SUM_BYTES, sum)
  return [salt, new Uint8Array(bytes.buffer)]
}

/** Strict: undefined unless the bytes are exactly what `encodeViewMessage` gives for what they say. */
export function parseViewMessage(bytes: Uint8Array): ViewMessage | undefined {
  try {
    return readMessage(new ByteReader(bytes))
  } catch (error) {
    if (error === MALFORMED) return undefined
    throw error
  }
}

function readMessage(reader: ByteReader): ViewMessage {
  const message = readBody(reader.varint(SEQ_MAX), reader)
  if (!reader.isAtEnd) throw MALFORMED
  return message
}

function readBody(type: number, reader: ByteReader): ViewMessage {
  switch (type) {
    case VIEW_MESSAGE.info:
      return {
        type: 'info',
        instance: reader.take(INSTANCE_BYTES),
        feedSeq: reader.varint(SEQ_MAX),
        count: reader.varint(SEQ_MAX),
      }
    case VIEW_MESSAGE.subscribe:
      return readSubscribe(reader)
    case VIEW_MESSAGE.changes:
      return { type: 'changes', changes: reader.rest(() => readChange(reader), 1) }
    case VIEW_MESSAGE.done:
      return { type: 'done', feedSeq: reader.varint(SEQ_MAX) }
    case VIEW_MESSAGE.caughtUp:
      return { type: 'caughtUp', feedSeq: reader.varint(SEQ_MAX) }
    case VIEW_MESSAGE.bulkGet: {
      const request = reader.varint(SEQ_MAX)
      const names = reader.rest(() => readName(reader), 1)
      if (names.length > BULK_GET_NAMES_MAX) throw MALFORMED
      return { type: 'bulkGet', request, names }
    }
    case VIEW_MESSAGE.documents: {
      const request = reader.varint(SEQ_MAX)
      const last = reader.boolean()
      return {
        type: 'documents',
        request,
        last,
        envelopes: reader.rest(() => readEnvelope(reader, reader.varint(RECORD_BYTES_MAX)), 0),
      }
    }
    case VIEW_MESSAGE.pace:
      return { type: 'pace', eager: reader.boolean() }
    default:
      throw MALFORMED
  }
}

function readSubscribe(reader: ByteReader): ViewMessage {
  const since = reader.varint(SEQ_MAX)
  const ahead = reader.varint(TABLE_RECORDS_MAX)
  if (reader.isAtEnd) return { type: 'subscribe', since, ahead }
  const salt = reader.take(SALT_BYTES)
  const sums = Uint32Array.from(reader.rest(() => reader.uint32(), 1))
  // One bit set: a power of two.
  if (sums.length > DIGEST_BUCKETS_MAX || (sums.length & (sums.length - 1)) !== 0) throw MALFORMED
  return { type: 'subscribe', since, ahead, digest: { salt, sums } }
}

function readChange(reader: ByteReader): Change {
  const step = reader.varint(SEQ_MAX)
  const envelopeBytes = reader.varint(RECORD_BYTES_MAX)
  if (step < 1) throw MALFORMED
  if (envelopeBytes > 0) return { step, envelope: readEnvelope(reader, envelopeBytes) }
  const name = readName(reader)
  const check = reader.uint16()
  const seq = reader.varint(SEQ_MAX)
  if (seq < 1) throw MALFORMED
  return { step, name, check, seq }
}

function readName(reader: ByteReader): ShortName {
  return shortNameOf(reader.take(SHORT_NAME_BYTES))
}

function readEnvelope(reader: ByteReader, bytes: number): Uint8Array {
  if (bytes < ENVELOPE_BYTES_MIN) throw MALFORMED
  return reader.take(bytes)
}
