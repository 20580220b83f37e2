import type { SignalServerStatus, Swarm } from 'resilient-swarm'
import { cloneTemplate, find } from './find-element.ts'
import type { View } from './peers-view.ts'

const WORDS: Record<SignalServerStatus['state'], string> = {
  connecting: 'connecting …',
  registered: 'registered',
  waiting: 'not reached, trying again',
  displaced: 'taken over by a newer tab',
}

/** How it stands with each signal server, in words. */
export function createServersView(swarm: Swarm): View {
  const list = find('#servers', HTMLUListElement)
  const rows = new Map<string, HTMLElement>()

  function rowOf(url: string): HTMLElement {
    const row = rows.get(url) ?? cloneTemplate('#server-row')
    if (!rows.has(url)) {
      rows.set(url, row)
      find('.url', HTMLElement, row).textContent = url
      list.append(row)
    }
    return row
  }

  function refresh(): void {
    for (const { url, state, error } of swarm.servers) {
      const row = rowOf(url)
      row.dataset.state = state
      find('.state', HTMLElement, row).textContent = WORDS[state]
      find('.trouble', HTMLElement, row).textContent = state === 'registered' ? '' : (error?.message ?? '')
    }
  }

  return { refresh }
}
