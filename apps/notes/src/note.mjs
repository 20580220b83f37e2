// What a note is: the page and the Node node let the same ones in.

export const DATABASE_NAME = 'notes'
export const NOTE_LENGTH_MAX = 280
const AUTHOR_LENGTH_MAX = 40
const FIELDS = new Set(['_id', '_rev', '_deleted', 'text', 'author', 'at'])

/** A new note, in the order of their times. */
export function createNote({ text, author, nowMs = Date.now() }) {
  const chance = crypto.getRandomValues(new Uint32Array(1))[0].toString(36)
  return { _id: `note:${new Date(nowMs).toISOString()}:${chance}`, text, author, at: nowMs }
}

/** Whether a document that a peer hands on may be stored: a note of the usual length, or that one was struck out. */
export function isNote(document) {
  if (!/^note:\d{4}-\d\d-\d\dT[\d:.]+Z:\w{1,8}$/.test(document._id)) return false
  if (Object.keys(document).some((field) => !FIELDS.has(field))) return false
  if (document._deleted) return true
  const { text, author, at } = document
  return isText(text, NOTE_LENGTH_MAX) && isText(author, AUTHOR_LENGTH_MAX) && Number.isSafeInteger(at)
}

function isText(value, lengthMax) {
  return typeof value === 'string' && value.trim() !== '' && value.length <= lengthMax
}
