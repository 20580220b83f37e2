import type { Swarm } from 'resilient-swarm'
import { find } from './find-element.ts'
import { shortKey } from './key-words.ts'

/** The form that calls a key, with the outcome in words below it. One call at a time. */
export function createCallBox(swarm: Swarm, { onFailure }: { onFailure: (error: unknown) => void }): void {
  const input = find('#call-key', HTMLInputElement)
  const submit = find('#call-submit', HTMLButtonElement)
  const cancel = find('#call-cancel', HTMLButtonElement)
  const told = find('#call-told', HTMLElement)
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
      const peer = await swarm.call(key, { signal: calling.signal })
      tell('good', `Connected to ${shortKey(peer.publicKey)}.`)
      input.value = ''
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
}
