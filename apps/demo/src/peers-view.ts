import type { Peer, Swarm } from 'resilient-swarm'
import { cloneTemplate, find } from './find-element.ts'
import { hueOf, shortKey } from './key-words.ts'
import { durationWords, roundTripWords } from './time-words.ts'

/** Part of the page that shows what changes without an event. */
export interface View {
  refresh(): void
}

interface Row {
  readonly element: HTMLElement
  readonly sinceMs: number
}

/** Who is connected: how, at what round trip, since when. */
export function createPeersView(swarm: Swarm): View {
  const list = find('#peers', HTMLUListElement)
  const rows = new Map<Peer, Row>()

  swarm.on('peer', (peer) => {
    const element = createRow(peer)
    rows.set(peer, { element, sinceMs: Date.now() })
    list.append(element)
    refresh()
  })
  swarm.on('peer-left', (peer) => {
    rows.get(peer)?.element.remove()
    rows.delete(peer)
    refresh()
  })

  function refresh(): void {
    find('#peers-count', HTMLElement).textContent = String(rows.size)
    find('#peers-empty', HTMLElement).hidden = rows.size > 0
    for (const [peer, row] of rows) fillRow(peer, row)
  }

  return { refresh }
}

function createRow(peer: Peer): HTMLElement {
  const row = cloneTemplate('#peer-row')
  row.dataset.key = peer.publicKey
  row.style.setProperty('--hue', String(hueOf(peer.publicKey)))
  const key = find('.short', HTMLElement, row)
  key.textContent = shortKey(peer.publicKey)
  key.title = peer.publicKey
  return row
}

function fillRow(peer: Peer, { element, sinceMs }: Row): void {
  const { kind, via } = peer.path
  find('.path', HTMLElement, element).textContent = via ? `${kind} through ${shortKey(via)}` : `direct, ${kind}`
  const roundTrip = find('.rtt', HTMLElement, element)
  roundTrip.textContent = roundTripWords(peer.rttMs)
  roundTrip.classList.toggle('unmeasured', peer.rttMs === undefined)
  const since = find('.since', HTMLTimeElement, element)
  since.dateTime = new Date(sinceMs).toISOString()
  since.title = `since ${new Date(sinceMs).toLocaleTimeString()}`
  since.textContent = `for ${durationWords(Date.now() - sinceMs)}`
}
