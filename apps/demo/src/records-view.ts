import type { PeerId, PeerRecord, Swarm } from 'resilient-swarm'
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
        state: stateWords(record),
        links: record.links.map((link) => link.key),
        version: String(record.seq),
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

interface RowWords {
  readonly id: PeerId
  readonly state: string
  readonly links: readonly PeerId[]
  readonly version: string
}

function createRow({ id, state, links, version }: RowWords): HTMLTableRowElement {
  const row = document.createElement('tr')
  const head = document.createElement('th')
  head.scope = 'row'
  const key = document.createElement('code')
  key.className = 'short key'
  key.textContent = shortKey(id)
  key.title = id
  head.append(createBadge(id), key)
  row.append(head)
  row.insertCell().textContent = state
  const linked = row.insertCell()
  linked.className = 'links'
  linked.append(...links.map(createBadge), links.length === 0 ? 'nobody yet' : String(links.length))
  const number = row.insertCell()
  number.className = 'number'
  number.textContent = version
  return row
}

function createBadge(id: PeerId): HTMLElement {
  const badge = document.createElement('span')
  badge.className = 'badge'
  badge.title = id
  badge.style.setProperty('--hue', String(hueOf(id)))
  return badge
}
