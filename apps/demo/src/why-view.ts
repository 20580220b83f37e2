import type { Swarm } from 'resilient-swarm'
import { cloneTemplate, find } from './find-element.ts'
import { shortKey } from './key-words.ts'
import { NOTES_SHOWN_MAX } from './limits.ts'
import { type GatheredNote, gatherNotes } from './note-words.ts'

const END_PX = 8 // of the list's end: still there

/** What was tried to reach one peer and how it ended, behind the word "Why?"; hidden while nothing was. */
export interface WhyView {
  readonly element: HTMLElement
  /** The key that it is about; undefined, and any text that is no key, hides it. */
  about: string | undefined
  refresh(): void
}

export function createWhyView(swarm: Swarm): WhyView {
  const element = cloneTemplate('#why')
  const details = element as HTMLDetailsElement
  const list = find('ol', HTMLOListElement, element)
  let about: string | undefined
  let shown = ''

  function refresh(): void {
    const notes = about === undefined ? [] : gatherNotes(swarm.why(about)).slice(-NOTES_SHOWN_MAX)
    element.hidden = notes.length === 0
    if (!details.open) return
    const wanted = JSON.stringify(notes)
    if (wanted === shown) return // so that a selection in it is not disturbed
    shown = wanted
    const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_PX
    list.replaceChildren(...notes.map(createNote))
    if (wasAtEnd) list.scrollTop = list.scrollHeight // the newest stands last; whoever scrolled back to read stays there
  }

  details.addEventListener('toggle', refresh)
  return {
    element,
    get about() {
      return about
    },
    set about(text) {
      about = isKey(swarm, text) ? text : undefined
      if (about) find('summary', HTMLElement, element).ariaLabel = `Why? What was tried to reach ${shortKey(about)}`
      refresh()
    },
    refresh,
  }
}

/** `why` is as strict as `call`. */
function isKey(swarm: Swarm, text: string | undefined): text is string {
  try {
    return text !== undefined && swarm.why(text) !== undefined
  } catch {
    return false
  }
}

function createNote({ atMs, text, times }: GatheredNote): HTMLLIElement {
  const item = document.createElement('li')
  item.className = 'note'
  const time = document.createElement('time')
  const at = new Date(atMs)
  time.dateTime = at.toISOString()
  time.textContent = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  const words = document.createElement('span')
  words.textContent = times === 1 ? text : `${text} (${times} times)`
  item.append(time, words)
  return item
}
