import type { PeerRecord, Swarm } from 'resilient-swarm'
import { find } from './find-element.ts'
import { hueOf, shortKey } from './key-words.ts'
import { RECORDS_SHOWN_MAX } from './limits.ts'
import type { View } from './peers-view.ts'

/** What the table knows of every node, this one first. */
export function createRecordsView(swarm: Swarm): View {
  const body = find('#records', HTMLTableSectionElement)
  let shown = ''

  function stateWords({ id, left }: PeerRecord): string {
    if (id === swarm.publicKey) return 'this tab'
    if (swarm.peers.some(({ publicKey }) => publicKey === id)) return 'connected'
    return left ? 'said goodbye' : 'not connected'
  }

  function refresh(): void {
    const rows = [...swarm.table.records]
      .sort((one, other) => rank(one) - rank(other) || one.id.localeCompare(other.id))
      .slice(0, RECORDS_SHOWN_MAX)
      .map((record) => ({
        id: record.id,
        cells: [stateWords(record), record.links.map(({ key }) => shortKey(key)).join(', ') || 'nobody yet', String(record.seq)],
      }))
    find('#records-count', HTMLElement).textContent = String(swarm.table.records.length)
    const wanted = JSON.stringify(rows)
    if (wanted === shown) return // so that a selection, or a reader in the middle of it, is not disturbed
    shown = wanted
    body.replaceChildren(...rows.map(createRow))
  }

  const rank = ({ id, left }: PeerRecord): number => (id === swarm.publicKey ? 0 : left ? 2 : 1)
  swarm.on('record', refresh)
  return { refresh }
}

function createRow({ id, cells }: { id: PeerRecord['id']; cells: readonly string[] }): HTMLTableRowElement {
  const row = document.createElement('tr')
  row.style.setProperty('--hue', String(hueOf(id)))
  const head = document.createElement('th')
  head.scope = 'row'
  const badge = document.createElement('span')
  badge.className = 'badge'
  const key = document.createElement('code')
  key.className = 'short key'
  key.textContent = shortKey(id)
  key.title = id
  head.append(badge, key)
  row.append(head)
  for (const text of cells) row.insertCell().textContent = text
  row.lastElementChild?.classList.add('number')
  return row
}
