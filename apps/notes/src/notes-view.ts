import { cloneTemplate, find } from '../../demo/src/find-element.ts'
import { createNote, NOTE_LENGTH_MAX, type Note } from './note.mjs'

const NOTES_SHOWN_MAX = 200
const LAST_ID = 'note:\ufff0' // behind every note's

export interface NotesView {
  refresh(): Promise<void>
}

/** All notes, the newest first, and the box to write one. They are read from the database, whoever wrote them. */
export function createNotesView(
  database: PouchDB.Database<Note>,
  { onFailed }: { onFailed: (error: unknown) => void },
): NotesView {
  const list = find('#notes', HTMLUListElement)
  const text = find('#note-text', HTMLTextAreaElement)
  const author = find('#note-author', HTMLInputElement)
  text.maxLength = NOTE_LENGTH_MAX
  let isReading = false
  let isStale = false

  /** One reading at a time, and one more for what came meanwhile. */
  async function refresh(): Promise<void> {
    isStale = true
    if (isReading) return
    isReading = true
    try {
      while (isStale) {
        isStale = false
        show(await readNotes(database))
      }
    } finally {
      isReading = false
    }
  }

  function show(notes: readonly Note[]): void {
    find('#notes-count', HTMLElement).textContent = String(notes.length)
    find('#notes-empty', HTMLElement).hidden = notes.length > 0
    list.replaceChildren(...notes.map((note) => createRow(note, () => strike(note._id))))
  }

  async function strike(id: string): Promise<void> {
    await database.remove(await database.get(id)).catch(onFailed)
  }

  find('#note-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    if (text.value.trim() === '') return
    database.put(createNote({ text: text.value.trim(), author: author.value.trim() || 'somebody' })).catch(onFailed)
    text.value = ''
  })
  database.changes({ since: 'now', live: true }).on('change', () => void refresh().catch(onFailed))

  return { refresh }
}

async function readNotes(database: PouchDB.Database<Note>): Promise<Note[]> {
  const range = { include_docs: true, startkey: LAST_ID, endkey: 'note:', descending: true, limit: NOTES_SHOWN_MAX }
  const { rows } = await database.allDocs<Note>(range)
  return rows.flatMap(({ doc }) => (doc ? [doc] : []))
}

function createRow(note: Note, onStrike: () => void): HTMLElement {
  const row = cloneTemplate('#note-row')
  row.dataset.id = note._id
  row.style.setProperty('--hue', String(hueOf(note.author)))
  find('.text', HTMLElement, row).textContent = note.text
  find('.author', HTMLElement, row).textContent = note.author
  const time = find('time', HTMLTimeElement, row)
  const at = new Date(note.at)
  time.dateTime = at.toISOString()
  time.textContent = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  find('button', HTMLButtonElement, row).addEventListener('click', onStrike)
  return row
}

/** The same colour for the same author on every page. */
function hueOf(author: string): number {
  let hash = 0
  for (const character of author) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0
  return hash % 360
}
