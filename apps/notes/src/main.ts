import PouchDB from 'pouchdb-browser'
import { find } from '../../demo/src/find-element.ts'
import { createNotice } from '../../demo/src/notice.ts'
import { readSignals } from '../../demo/src/query.ts'
import { keepSeed } from '../../demo/src/seed.ts'
import { createMembership, type Membership } from './membership.ts'
import { DATABASE_NAME, type Note } from './note.mjs'
import { createNotesView } from './notes-view.ts'
import { createPeersView } from './peers-view.ts'

declare global {
  interface Window {
    /** For the curious: the notes of this tab, in the console. */
    notes: { readonly database: PouchDB.Database<Note>; readonly membership: Membership }
  }
}

const REFRESH_MS = 1_000

const notice = createNotice()
const database = new PouchDB<Note>(DATABASE_NAME)
const { seed } = keepSeed(() => window.sessionStorage)
const query = new URLSearchParams(location.search)
const membership = createMembership({
  database,
  seed,
  signals: readSignals(location.search),
  call: query.getAll('call'),
  onTold: (sentence) => (sentence === undefined ? notice.clear() : notice.tell(sentence)),
  onChange: refresh,
})
window.notes = { database, membership }

const notesView = createNotesView(database, { onFailed: (error) => notice.tell(String(error)) })
const peersView = createPeersView(membership)
const online = find('#online', HTMLInputElement)
online.addEventListener('change', async () => {
  online.disabled = true
  await (online.checked ? membership.enter() : membership.leave())
  online.disabled = false
  refresh()
})
find('#call-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const input = find('#call-key', HTMLInputElement)
  membership.call(input.value.trim())
  input.value = ''
})
find('#own-key', HTMLElement).textContent = membership.publicKey

function refresh(): void {
  peersView.refresh()
  const { isOnline, progress } = membership
  const count = progress.length
  const words =
    count === 0 ? 'Nobody else is here now' : count === 1 ? '1 other has these notes' : `${count} others have these notes`
  find('#summary', HTMLElement).textContent = isOnline ? words : 'Offline: what you write stays here until you are back'
}

refresh()
void notesView.refresh()
setInterval(refresh, REFRESH_MS)
window.addEventListener('pagehide', () => membership.destroy())
