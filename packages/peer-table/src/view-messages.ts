import { concatBytes, encodeVarint, lengthPrefixed } from '@resilient-swarm/contract'
import { ByteReader, MALFORMED } from './byte-reader.ts'
import { BULK_GET_KEYS_MAX, RECORD_BYTES_MAX, SEQ_MAX } from './limits.ts'

/** Every message of the `db` substream. Odd types are told by the one who has the view, even ones by the one who reads it. */
export const VIEW_MESSAGE = { info: 1, subscribe: 2, changes: 3, done: 4, caughtUp: 5, bulkGet: 6, documents: 7 } as const

export const INSTANCE_BYTES = 16
export const KEY_BYTES = 32

/** A record's place in the sender's feed; the envelope comes along when the reader is not expected to have it. */
export interface Change {
  readonly feedSeq: number
  readonly key: Uint8Array
  readonly seq: number
  readonly envelope?: Uint8Array
}

export type ViewMessage =
  /** First, unasked: which life of which table this is, its newest place, how many records it has. */
  | { readonly type: 'info'; readonly instance: Uint8Array; readonly feedSeq: number; readonly count: number }
  /** Once: go on behind `since` if you are still that life, else begin at 0. `full`: old changes with their envelopes too. */
  | { readonly type: 'subscribe'; readonly instance: Uint8Array; readonly since: number; readonly full: boolean }
  | { readonly type: 'changes'; readonly changes: readonly Change[] }
  /** Everything up to this place is stored: room for more. */
  | { readonly type: 'done'; readonly feedSeq: number }
  /** Once: what comes from now on is new. */
  | { readonly type: 'caughtUp'; readonly feedSeq: number }
  | { readonly type: 'bulkGet'; readonly request: number; readonly keys: readonly Uint8Array[] }
  /** Envelopes of those of the keys that the view has; `last` ends the answer. */
  | { readonly type: 'documents'; readonly request: number; readonly last: boolean; readonly envelopes: readonly Uint8Array[] }

export function encodeViewMessage(message: ViewMessage): Uint8Array {
  return concatBytes(encodeVarint(VIEW_MESSAGE[message.type]), ...encodeBody(message))
}

function encodeBody(message: ViewMessage): Uint8Array[] {
  switch (message.type) {
    case 'info':
      return [message.instance, encodeVarint(message.feedSeq), encodeVarint(message.count)]
    case 'subscribe':
      return [message.instance, encodeVarint(message.since), encodeVarint(message.full ? 1 : 0)]
    case 'changes':
      return message.changes.map(encodeChange)
    case 'done':
    case 'caughtUp':
      return [encodeVarint(message.feedSeq)]
    case 'bulkGet':
      return [encodeVarint(message.request), ...message.keys]
    case 'documents':
      return [encodeVarint(message.request), encodeVarint(message.last ? 1 : 0), ...message.envelopes.map(lengthPrefixed)]
  }
}

/** One change as it stands in `changes`; lists end with their message, so parts can be joined. */
export function encodeChange({ feedSeq, key, seq, envelope }: Change): Uint8Array {
  return concatBytes(encodeVarint(feedSeq), key, encodeVarint(seq), lengthPrefixed(envelope ?? new Uint8Array()))
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
      return { type: 'subscribe', instance: reader.take(INSTANCE_BYTES), since: reader.varint(SEQ_MAX), full: reader.boolean() }
    case VIEW_MESSAGE.changes:
      return { type: 'changes', changes: reader.rest(() => readChange(reader), 1) }
    case VIEW_MESSAGE.done:
      return { type: 'done', feedSeq: reader.varint(SEQ_MAX) }
    case VIEW_MESSAGE.caughtUp:
      return { type: 'caughtUp', feedSeq: reader.varint(SEQ_MAX) }
    case VIEW_MESSAGE.bulkGet: {
      const request = reader.varint(SEQ_MAX)
      const keys = reader.rest(() => reader.take(KEY_BYTES), 1)
      if (keys.length > BULK_GET_KEYS_MAX) throw MALFORMED
      return { type: 'bulkGet', request, keys }
    }
    case VIEW_MESSAGE.documents: {
      const request = reader.varint(SEQ_MAX)
      const last = reader.boolean()
      return { type: 'documents', request, last, envelopes: reader.rest(() => readEnvelope(reader, 1), 0) }
    }
    default:
      throw MALFORMED
  }
}

function readChange(reader: ByteReader): Change {
  const feedSeq = reader.varint(SEQ_MAX)
  const key = reader.take(KEY_BYTES)
  const seq = reader.varint(SEQ_MAX)
  const envelope = readEnvelope(reader, 0)
  if (feedSeq < 1 || seq < 1) throw MALFORMED
  return { feedSeq, key, seq, ...(envelope.byteLength > 0 ? { envelope } : {}) }
}

function readEnvelope(reader: ByteReader, bytesMin: number): Uint8Array {
  const length = reader.varint(SEQ_MAX)
  if (length < bytesMin || length > RECORD_BYTES_MAX) throw MALFORMED
  return reader.take(length)
}
