import type { PeerId } from 'resilient-swarm'
import { cloneTemplate, find } from './find-element.ts'
import { hueOf, shortKey } from './key-words.ts'
import { CHAT_LINE_BYTES_MAX, CHAT_LINES_SHOWN_MAX } from './limits.ts'

export interface ChatViewOptions {
  /** Sends what was typed; resolves with how many peers took it. */
  readonly onSay: (text: string) => Promise<number>
  readonly ownKey: PeerId
}

export interface ChatView {
  show(from: PeerId, text: string): void
}

const UTF8_BYTES_PER_UNIT_MAX = 3 // of a UTF-16 code unit: what an input's maxLength counts

/** The chat's lines and the box to type one. */
export function createChatView({ onSay, ownKey }: ChatViewOptions): ChatView {
  const log = find('#chat-log', HTMLOListElement)
  const told = find('#chat-told', HTMLElement)
  const input = find('#chat-line', HTMLInputElement)
  input.maxLength = Math.floor(CHAT_LINE_BYTES_MAX / UTF8_BYTES_PER_UNIT_MAX)

  function show(from: PeerId, text: string): void {
    const row = cloneTemplate('#chat-row')
    const isOwn = from === ownKey
    row.classList.toggle('own', isOwn)
    row.style.setProperty('--hue', String(hueOf(from)))
    find('.from', HTMLElement, row).textContent = isOwn ? 'You' : shortKey(from)
    find('.from', HTMLElement, row).title = from
    const now = new Date()
    const time = find('time', HTMLTimeElement, row)
    time.dateTime = now.toISOString()
    time.textContent = now.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    find('.text', HTMLElement, row).textContent = text
    const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < row.offsetHeight + 40
    log.append(row)
    while (log.childElementCount > CHAT_LINES_SHOWN_MAX) log.firstElementChild?.remove()
    if (wasAtEnd || isOwn) log.scrollTop = log.scrollHeight // whoever scrolled back to read stays there
  }

  find('#chat-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const text = input.value.trim()
    if (text === '') return
    input.value = ''
    show(ownKey, text)
    onSay(text).then(
      (taken) => {
        told.textContent = taken === 0 ? 'Nobody who chats is connected, so nobody saw this.' : ''
      },
      (error: unknown) => {
        told.textContent = error instanceof Error ? error.message : String(error)
      },
    )
  })

  return { show }
}
