import { cloneTemplate, find } from '../../demo/src/find-element.ts'
import { shortKey } from '../../demo/src/key-words.ts'
import type { Membership } from './membership.ts'

/** With whom the notes are shared right now, and how it goes. */
export function createPeersView(membership: Membership): { refresh(): void } {
  const list = find('#peers', HTMLUListElement)
  const rows = new Map<string, HTMLElement>()

  function rowOf(peer: string): HTMLElement {
    const row = rows.get(peer) ?? cloneTemplate('#peer-row')
    if (rows.has(peer)) return row
    rows.set(peer, row)
    row.dataset.key = peer
    find('.short', HTMLElement, row).textContent = shortKey(peer)
    list.append(row)
    return row
  }

  return {
    refresh() {
      const { denied, progress } = membership
      find('#peers-count', HTMLElement).textContent = String(progress.length)
      find('#peers-empty', HTMLElement).hidden = progress.length > 0
      for (const { peer, state, docsWritten, docsSent } of progress) {
        const row = rowOf(peer)
        row.dataset.sharing = state
        find('.detail', HTMLElement, row).textContent = `${docsWritten} from there, ${docsSent} from here`
        find('.sharing', HTMLElement, row).textContent = state === 'paused' ? 'up to date' : 'catching up …'
      }
      for (const [peer, row] of rows) {
        if (progress.some((one) => one.peer === peer)) continue
        row.remove()
        rows.delete(peer)
      }
      const told = find('#denied', HTMLElement)
      told.hidden = denied === 0
      told.textContent =
        denied === 1 ? '1 document was no note and stayed out.' : `${denied} documents were no notes and stayed out.`
    },
  }
}
