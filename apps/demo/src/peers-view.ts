import type { Peer, Swarm } from 'resilient-swarm'
import { cloneTemplate, find } from './find-element.ts'
import { hueOf, shortKey } from './key-words.ts'
import { pathWords, reachOf, reachWords, sparePathWords } from './path-words.ts'
import { durationWords, roundTripWords } from './time-words.ts'
import { createWhyView, type WhyView } from './why-view.ts'

/** Part of the page that shows what changes without an event. */
export interface View {
  refresh(): void
}

interface Row {
  readonly element: HTMLElement
  readonly sinceMs: number
  readonly why: WhyView
}

/** Who is connected: how, at what round trip, since when. `onChange`: a peer's path was lost or found again. */
export function createPeersView(swarm: Swarm, { onChange }: { onChange: () => void }): View {
  const list = find('#peers', HTMLUListElement)
  const rows = new Map<Peer, Row>()

  swarm.on('peer', (peer) => {
    const element = createRow(peer)
    const why = createWhyView(swarm)
    element.append(why.element)
    rows.set(peer, { element, sinceMs: Date.now(), why })
    list.append(element)
    why.about = peer.publicKey
    for (const event of ['path', 'reconnecting', 'reconnected'] as const) peer.on(event, onChange)
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

function fillRow(peer: Peer, { element, sinceMs, why }: Row): void {
  const reach = reachOf(peer)
  element.dataset.reach = reach
  const path = find('.path', HTMLElement, element)
  setText(path, reachWords(peer))
  path.title = reach === 'reconnecting' ? `before: ${pathWords(peer.path)}` : (peer.path.via ?? '')
  const spare = find('.spare', HTMLElement, element)
  setText(spare, reach === 'reconnecting' ? '' : sparePathWords(peer.paths))
  spare.title = peer.paths.slice(1).map(pathWords).join('\n')
  const roundTrip = find('.rtt', HTMLElement, element)
  setText(roundTrip, reach === 'reconnecting' ? 'paused' : roundTripWords(peer.rttMs))
  roundTrip.classList.toggle('unmeasured', reach === 'reconnecting' || peer.rttMs === undefined)
  const since = find('.since', HTMLTimeElement, element)
  since.dateTime = new Date(sinceMs).toISOString()
  since.title = `since ${new Date(sinceMs).toLocaleTimeString()}`
  setText(since, `for ${durationWords(Date.now() - sinceMs)}`)
  why.refresh()
}

/** Leaves what says so already: a selection in it stays. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
