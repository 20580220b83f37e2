import { concatBytes, encodeVarint, lengthPrefixed, readVarint } from '@resilient-swarm/contract'
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
    return readMessage(new Reader(bytes))
  } catch (error) {
    if (error === MALFORMED) return undefined
    throw error
  }
}

function readMessage(reader: Reader): ViewMessage {
  const message = readBody(reader.number(), reader)
  if (!reader.isAtEnd) throw MALFORMED
  return message
}

function readBody(type: number, reader: Reader): ViewMessage {
  switch (type) {
    case VIEW_MESSAGE.info:
      return { type: 'info', instance: reader.take(INSTANCE_BYTES), feedSeq: reader.number(), count: reader.number() }
    case VIEW_MESSAGE.subscribe:
      return { type: 'subscribe', instance: reader.take(INSTANCE_BYTES), since: reader.number(), full: reader.boolean() }
    case VIEW_MESSAGE.changes:
      return { type: 'changes', changes: reader.rest(() => readChange(reader), 1) }
    case VIEW_MESSAGE.done:
      return { type: 'done', feedSeq: reader.number() }
    case VIEW_MESSAGE.caughtUp:
      return { type: 'caughtUp', feedSeq: reader.number() }
    case VIEW_MESSAGE.bulkGet: {
      const request = reader.number()
      const keys = reader.rest(() => reader.take(KEY_BYTES), 1)
      if (keys.length > BULK_GET_KEYS_MAX) throw MALFORMED
      return { type: 'bulkGet', request, keys }
    }
    case VIEW_MESSAGE.documents: {
      const request = reader.number()
      const last = reader.boolean()
      return { type: 'documents', request, last, envelopes: reader.rest(() => readEnvelope(reader, 1), 0) }
    }
    default:
      throw MALFORMED
  }
}

function readChange(reader: Reader): Change {
  const feedSeq = reader.number()
  const key = reader.take(KEY_BYTES)
  const seq = reader.number()
  const envelope = readEnvelope(reader, 0)
  if (feedSeq < 1 || seq < 1) throw MALFORMED
  return { feedSeq, key, seq, ...(envelope.byteLength > 0 ? { envelope } : {}) }
}

function readEnvelope(reader: Reader, bytesMin: number): Uint8Array {
  const length = reader.number()
  if (length < bytesMin || length > RECORD_BYTES_MAX) throw MALFORMED
  return reader.take(length)
}

const MALFORMED = Symbol('malformed view message')

class Reader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.byteLength
  }

  number(): number {
    const read = readVarint(this.#bytes, this.#offset)
    if (read === undefined || read === 'invalid' || read.value > SEQ_MAX) throw MALFORMED
    this.#offset = read.end
    return read.value
  }

  boolean(): boolean {
    const value = this.number()
    if (value > 1) throw MALFORMED
    return value === 1
  }

  take(count: number): Uint8Array {
    const end = this.#offset + count
    if (end > this.#bytes.byteLength) throw MALFORMED
    const part = this.#bytes.slice(this.#offset, end)
    this.#offset = end
    return part
  }

  rest<Item>(read: () => Item, itemsMin: number): Item[] {
    const items: Item[] = []
    while (!this.isAtEnd) items.push(read())
    if (items.length < itemsMin) throw MALFORMED
    return items
  }
}
