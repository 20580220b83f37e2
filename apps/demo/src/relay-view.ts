import type { Swarm } from 'resilient-swarm'
import { find } from './find-element.ts'
import type { View } from './peers-view.ts'
import { withRelay } from './query.ts'
import { relayWords } from './relay-words.ts'

/**
 * The choice to relay for others, and what came of it. A swarm takes it when it is made, so a change reloads the page: the seed is
 * kept, so the same node comes back.
 */
export function createRelayView(swarm: Swarm): View {
  const choice = find('#relay', HTMLInputElement)
  const told = find('#relay-told', HTMLElement)
  choice.checked = swarm.relay.serves // and not what the browser remembers of the form
  told.hidden = !swarm.relay.serves
  choice.addEventListener('change', () => {
    choice.disabled = true
    location.search = withRelay(location.search, choice.checked)
  })

  return {
    refresh() {
      if (swarm.relay.serves) told.textContent = relayWords(swarm.relay)
    },
  }
}
