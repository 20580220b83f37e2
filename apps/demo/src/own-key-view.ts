import type { PeerId } from 'resilient-swarm'
import { find } from './find-element.ts'

/** Shows the key of this tab, and copies it. */
export function showOwnKey(key: PeerId): void {
  const shown = find('#own-key', HTMLElement)
  const told = find('#copy-told', HTMLElement)
  shown.textContent = key

  find('#copy-key', HTMLButtonElement).addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(key)
      told.textContent = 'Copied.'
    } catch {
      // No clipboard without a secure page or the user's leave: the selection is the next best thing.
      getSelection()?.selectAllChildren(shown)
      told.textContent = 'The browser keeps its clipboard closed here; the key is selected, so copy it by keyboard.'
    }
  })
}
