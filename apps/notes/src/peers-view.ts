import type { PeerProgress } from 'resilient-swarm'
import { cloneTemplate, find } from '../../demo/src/find-element.ts'
import { shortKey } from '../../demo/src/key-words.ts'
import type { Membership } from './membership.ts'

/** With whom the notes are shared right now, and how it goes. */
export function createPeersView(membership: Membership): { refresh(): void } {
  const list = find('#peers', HTMLUListElement)
  return {
    refresh() {
      const { denied, progress } = membership
      find('#peers-count', HTMLElement).textContent = String(progress.length)
      find('#peers-empty', HTMLElement).hidden = progress.length > 0
      list.replaceChildren(...progress.map(createRow))
      const told = find('#denied', HTMLElement)
      told.hidden = denied === 0
      told.textContent =
        denied === 1 ? '1 document was no note and stayed out.' : `${denied} documents were no notes and stayed out.`
    },
  }
}

function createRow(progress: PeerProgress): HTMLElement {
  const row = cloneTemplate('#peer-row')
  row.dataset.key = progress.peer
  row.dataset.sharing = progress.state
  find('.short', HTMLElement, row).textContent = shortKey(progress.peer)
  find('.detail', HTMLElement, row).textContent = `${progress.docsWritten} from there, ${progress.docsSent} from here`
  find('.sharing', HTMLElement, row).textContent = progress.state === 'paused' ? 'up to date' : 'catching up …'
  return row
}
