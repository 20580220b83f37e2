import type { PeerId, PeerRecord, Swarm } from 'resilient-swarm'
import { find } from './find-element.ts'
import { hueOf, shortKey } from './key-words.ts'
import { RECORDS_SHOWN_MAX } from './limits.ts'
import type { View } from './peers-view.ts'
import { createWhyView, type WhyView } from './why-view.ts'

const NOT_CONNECTED = 'not connected'

/** What the table knows of every node, this one first; of those that are not connected, also what was tried. */
export function createRecordsView(swarm: Swarm): View {
  const body = find('#records', HTMLTableSectionElement)
  const whys = new Map<PeerId, WhyView>()
  let shown = ''

  function stateWords({ id, left }: PeerRecord): string {
    if (id === swarm.publicKey) return 'this tab'
    const peer = swarm.peers.find(({ publicKey }) => publicKey === id)
    if (peer) return peer.state === 'connected' ? 'connected' : 'reconnecting'
    return left ? 'said goodbye' : NOT_CONNECTED
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
    // Only what changed: a selection, or a reader in the middle of it, is not disturbed.
    if (wanted !== shown) {
      shown = wanted
      keepWhys(rows.filter(({ state }) => state === NOT_CONNECTED).map(({ id }) => id))
      body.replaceChildren(...rows.map((row) => createRow(row, whys.get(row.id)?.element)))
    }
    for (const why of whys.values()) why.refresh()
  }

  /** One for each of these and no other; one that stays keeps its place, open or not. */
  function keepWhys(ids: readonly PeerId[]): void {
    for (const id of whys.keys()) if (!ids.includes(id)) whys.delete(id)
    for (const id of ids) {
      if (whys.has(id)) continue
      const why = createWhyView(swarm)
      why.about = id
      whys.set(id, why)
    }
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

function createRow({ id, state, links, version }: RowWords, why: HTMLElement | undefined): HTMLTableRowElement {
  const row = document.createElement('tr')
  const head = document.createElement('th')
  head.scope = 'row'
  const key = document.createElement('code')
  key.className = 'short key'
  key.textContent = shortKey(id)
  key.title = id
  head.append(createBadge(id), key)
  row.append(head)
  row.insertCell().append(state, ...(why ? [why] : []))
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
