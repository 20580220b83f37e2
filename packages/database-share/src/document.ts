import { isPlain } from './bounded-json.ts'
import type { PouchDocument, RevisedDocument } from './database.ts'
import { ATTACHMENTS_MAX, REVISION_POSITION_MAX, REVISIONS_MAX } from './limits.ts'
import { isDocumentId, isRevisionHash, parseRevision } from './messages.ts'

/** Why a document is not let in. */
export type Refusal =
  | 'shape' // a field that PouchDB keeps for itself, a number out of range, or no document at all
  | 'id' // none, too long, or one that begins with `_`: local and design documents are not shared
  | 'revision' // none, or ancestors that are not its own
  | 'attachment' // not inline, or not base64
  | 'size' // larger than this side takes
  | 'admit' // the application said no
  | 'invalid' // PouchDB itself refused it

/** Checked field by field; nothing but a check made it. */
export type CheckedDocument = RevisedDocument & { readonly __brand: 'CheckedDocument' }

const OWN_FIELDS: ReadonlySet<string> = new Set(['_id', '_rev', '_revisions', '_deleted', '_attachments'])
const ATTACHMENT_FIELDS: ReadonlySet<string> = new Set(['content_type', 'data', 'revpos', 'digest', 'length', 'stub', 'follows'])

/** A peer's document as it may be stored, or why not. */
export function checkDocument(given: unknown): CheckedDocument | Refusal {
  if (typeof given !== 'object' || given === null || Array.isArray(given) || !isPlain(given)) return 'shape'
  const { _id, _rev, _deleted, _revisions, _attachments } = given as Partial<Record<string, unknown>>
  if (!isDocumentId(_id)) return 'id'
  if (Object.keys(given).some((field) => field.startsWith('_') && !OWN_FIELDS.has(field))) return 'shape'
  if (_deleted !== undefined && typeof _deleted !== 'boolean') return 'shape'
  if (!isAncestry(_rev, _revisions)) return 'revision'
  if (_attachments !== undefined && !areAttachments(_attachments)) return 'attachment'
  return given as CheckedDocument
}

/** As applications know documents: without the ancestry. */
export function withoutAncestry({ _revisions, ...document }: RevisedDocument): PouchDocument {
  return document as PouchDocument
}

/** Ours as it travels: no more ancestors than any reader takes. */
export function trimAncestry(document: RevisedDocument): RevisedDocument {
  const { start, ids } = document._revisions
  return ids.length <= REVISIONS_MAX ? document : { ...document, _revisions: { start, ids: ids.slice(0, REVISIONS_MAX) } }
}

/** The hashes of a revision and its ancestors, newest first, each one position lower; PouchDB merges them into its tree. */
function isAncestry(rev: unknown, revisions: unknown): boolean {
  const revision = parseRevision(rev)
  if (!revision || typeof revisions !== 'object' || revisions === null) return false
  const { start, ids, ...rest } = revisions as Partial<Record<string, unknown>>
  if (start !== revision.position || start > REVISION_POSITION_MAX || Object.keys(rest).length > 0) return false
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > Math.min(REVISIONS_MAX, revision.position)) return false
  if (ids[0] !== revision.hash || new Set(ids).size !== ids.length) return false
  return ids.every(isRevisionHash)
}

function areAttachments(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false
  const attachments = Object.entries(given)
  return attachments.length <= ATTACHMENTS_MAX && attachments.every(([name, attachment]) => isAttachment(name, attachment))
}

function isAttachment(name: string, given: unknown): boolean {
  if (name === '' || name.startsWith('_') || typeof given !== 'object' || given === null) return false
  if (Object.keys(given).some((field) => !ATTACHMENT_FIELDS.has(field))) return false
  const { content_type, data, revpos } = given as Partial<Record<string, unknown>>
  if (typeof content_type !== 'string' || typeof data !== 'string' || !isBase64(data)) return false
  return revpos === undefined || (Number.isSafeInteger(revpos) && (revpos as number) > 0)
}

/** In its one spelling: PouchDB throws a whole batch away for another. */
function isBase64(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false
  if (text.endsWith('==')) return /[AQgw]==$/.test(text.slice(-3))
  if (text.endsWith('=')) return /[AEIMQUYcgkosw048]=$/.test(text.slice(-2))
  return true
}
