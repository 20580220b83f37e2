import { concatBytes, utf8 } from '@resilient-swarm/contract'
import { encodeJson, parseJson } from './bounded-json.ts'
import type { Place } from './database.ts'
import {
  BATCH_CHANGES_MAX,
  DATABASE_ID_LENGTH_MAX,
  DOCUMENT_ID_BYTES_MAX,
  LEAVES_MAX,
  PLACE_LENGTH_MAX,
  REVISION_HASH_LENGTH_MAX,
  REVISION_POSITION_MAX,
  WANTED_MAX,
} from './limits.ts'

export const PROTOCOL_VERSION = 1

/** Half of a character: it has no UTF-8, so two texts would travel as one. */
export const LONE_SURROGATE = /\p{Surrogate}/u

/** A document that changed: its id, its place in the feed, and all leaves of its tree, the winner first. */
export type Row = readonly [id: string, seq: Place, revisions: readonly string[]]

/** One revision of one document. */
export type Wanted = readonly [id: string, revision: string]

/** What a reader asks of the database at the other end. */
export type Question =
  /** First and once: which database ours is, and how large a document of the other may be. */
  | { readonly type: 'open'; readonly v: number; readonly database: string; readonly documentBytesMax: number }
  /** What changed after `since`; with `wait` the answer may take until something does. A new one takes the place of one that waits. */
  | { readonly type: 'changes'; readonly request: number; readonly since: Place; readonly limit: number; readonly wait: boolean }
  /** Revisions, or newer ones that they became. No more documents are told once they have `bytesMax` bytes together. */
  | { readonly type: 'documents'; readonly request: number; readonly bytesMax: number; readonly wanted: readonly Wanted[] }

/** What is answered. */
export type Answer =
  /** `pending`: how many changes come after these, about; null where nobody knows. */
  | {
      readonly type: 'rows'
      readonly request: number
      readonly rows: readonly Row[]
      readonly last: Place
      readonly pending: number | null
    }
  /** Some of the documents that were asked for; whether they are any is for the admission to say. */
  | { readonly type: 'found'; readonly request: number; readonly documents: readonly unknown[] }
  /** A document that is larger than the reader takes. */
  | { readonly type: 'large'; readonly request: number; readonly id: string }
  /** No more documents of this question; so many of those wanted were not looked at. */
  | { readonly type: 'end'; readonly request: number; readonly left: number }

export type Message = Question | Answer

export function encodeMessage(message: Message): Uint8Array {
  return encodeJson(message)
}

/** An answer `found`, of documents that are JSON already. */
export function encodeFound(request: number, documents: readonly Uint8Array[]): Uint8Array {
  const between = utf8(',')
  const parts = documents.flatMap((document, index) => (index === 0 ? [document] : [between, document]))
  return concatBytes(utf8(`{"type":"found","request":${request},"documents":[`), ...parts, utf8(']}'))
}

/** Strict: undefined unless the bytes are a question with exactly the fields that it has. */
export function parseQuestion(bytes: Uint8Array): Question | undefined {
  const fields = asRecord(parseJson(bytes))
  switch (fields?.['type']) {
    case 'open':
      return hasShape(fields, { v: isCount, database: isDatabaseId, documentBytesMax: isPositive })
    case 'changes':
      return hasShape(fields, { request: isPositive, since: isPlace, limit: isLimit, wait: isBoolean })
    case 'documents':
      return hasShape(fields, { request: isPositive, bytesMax: isPositive, wanted: isWanted })
    default:
      return undefined
  }
}

export function parseAnswer(bytes: Uint8Array): Answer | undefined {
  const fields = asRecord(parseJson(bytes))
  switch (fields?.['type']) {
    case 'rows':
      return hasShape(fields, { request: isPositive, rows: isRows, last: isPlace, pending: isPending })
    case 'found':
      return hasShape(fields, { request: isPositive, documents: isFound })
    case 'large':
      return hasShape(fields, { request: isPositive, id: isDocumentId })
    case 'end':
      return hasShape(fields, { request: isPositive, left: isCount })
    default:
      return undefined
  }
}

type Is = (value: unknown) => boolean

/** The fields as the message they are: each of the shape, and no other beside `type`. */
function hasShape<Kind extends Message>(fields: Record<string, unknown>, shape: Record<string, Is>): Kind | undefined {
  const names = Object.keys(shape)
  if (Object.keys(fields).length !== names.length + 1) return undefined
  const fits = names.every((name) => Object.hasOwn(fields, name) && shape[name]?.(fields[name]))
  return fits ? (fields as unknown as Kind) : undefined
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}

const isFound: Is = (value) => Array.isArray(value) && value.length > 0 && value.length <= WANTED_MAX
const isBoolean: Is = (value) => typeof value === 'boolean'
const isCount: Is = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isPositive: Is = (value) => isCount(value) && value !== 0
const isLimit: Is = (value) => isPositive(value) && (value as number) <= BATCH_CHANGES_MAX
const isPending: Is = (value) => value === null || isCount(value)
const isPlace: Is = (value) => isCount(value) || (typeof value === 'string' && value.length <= PLACE_LENGTH_MAX)
const isDatabaseId: Is = (value) => typeof value === 'string' && value !== '' && value.length <= DATABASE_ID_LENGTH_MAX

/** An id that a shared document may have: neither local nor a design document's, nor any other that PouchDB keeps for itself. */
export function isDocumentId(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.startsWith('_')) return false
  if (value.length > DOCUMENT_ID_BYTES_MAX) return false
  return !LONE_SURROGATE.test(value) && utf8(value).byteLength <= DOCUMENT_ID_BYTES_MAX
}

const REVISION_HASH = /^[\x21-\x7e]+$/

export function isRevisionHash(value: unknown): value is string {
  return typeof value === 'string' && value.length <= REVISION_HASH_LENGTH_MAX && REVISION_HASH.test(value)
}

/** Position and hash of a revision, or undefined where it is none. */
export function parseRevision(value: unknown): { readonly position: number; readonly hash: string } | undefined {
  if (typeof value !== 'string' || value.length > REVISION_HASH_LENGTH_MAX + 11) return undefined
  const match = /^([1-9]\d{0,9})-(.+)$/.exec(value)
  const [position, hash] = [Number(match?.[1]), match?.[2]]
  return isRevisionHash(hash) && position <= REVISION_POSITION_MAX ? { position, hash } : undefined
}

function isRevision(value: unknown): boolean {
  return parseRevision(value) !== undefined
}

function isRows(value: unknown): boolean {
  return Array.isArray(value) && value.length <= BATCH_CHANGES_MAX && value.every(isRow)
}

function isRow(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [id, seq, revisions] = value
  if (!isDocumentId(id) || !isPlace(seq) || !Array.isArray(revisions)) return false
  return revisions.length > 0 && revisions.length <= LEAVES_MAX && revisions.every(isRevision)
}

function isWanted(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > WANTED_MAX) return false
  return value.every((one) => Array.isArray(one) && one.length === 2 && isDocumentId(one[0]) && isRevision(one[1]))
}
