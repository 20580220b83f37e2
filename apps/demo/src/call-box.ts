import type { Swarm } from 'resilient-swarm'
import { find } from './find-element.ts'
import { shortKey } from './key-words.ts'
import type { View } from './peers-view.ts'
import { createWhyView } from './why-view.ts'

/** The form that calls a key, with the outcome and what was tried in words below it. One call at a time. */
export function createCallBox(swarm: Swarm, { onFailure }: { onFailure: (error: unknown) => void }): View {
  const input = find('#call-key', HTMLInputElement)
  const submit = find('#call-submit', HTMLButtonElement)
  const cancel = find('#call-cancel', HTMLButtonElement)
  const told = find('#call-told', HTMLElement)
  const why = createWhyView(swarm)
  told.after(why.element)
  let calling: AbortController | undefined

  function tell(kind: 'busy' | 'good' | 'bad', sentence: string): void {
    told.dataset.kind = kind
    told.textContent = sentence
    input.setAttribute('aria-invalid', String(kind === 'bad'))
  }

  async function call(key: string): Promise<void> {
    calling = new AbortController()
    submit.disabled = true
    cancel.hidden = false
    tell('busy', 'Calling …')
    try {
      why.about = key
      const peer = await swarm.call(key, { signal: calling.signal })
      tell('good', `Connected to ${shortKey(peer.publicKey)}.`)
      input.value = ''
      why.about = undefined // from here on the peer's own row tells it
    } catch (error) {
      onFailure(error)
      tell('bad', error instanceof Error ? error.message : String(error))
    } finally {
      calling = undefined
      submit.disabled = false
      cancel.hidden = true
    }
  }

  find('#call-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    if (!calling) void call(input.value.trim())
  })
  cancel.addEventListener('click', () => calling?.abort())
  return why
}
