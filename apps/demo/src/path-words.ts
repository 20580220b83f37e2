import type { Peer, PeerPath } from 'resilient-swarm'
import { shortKey } from './key-words.ts'

/** How a peer is reached: directly, through another peer, or not right now. For styles as much as for words. */
export type Reach = 'direct' | 'circuit' | 'reconnecting'

export function reachOf({ state, path }: Pick<Peer, 'state' | 'path'>): Reach {
  if (state !== 'connected') return 'reconnecting'
  return path.via ? 'circuit' : 'direct'
}

export function reachWords(peer: Pick<Peer, 'state' | 'path'>): string {
  return reachOf(peer) === 'reconnecting' ? 'reconnecting …' : pathWords(peer.path)
}

export function pathWords({ kind, via }: Pick<PeerPath, 'kind' | 'via'>): string {
  return via ? `${kind} through ${shortKey(via)}` : `direct, ${kind}`
}

/** The paths besides the one that is sent on; empty when there is none. */
export function sparePathWords(paths: readonly PeerPath[]): string {
  const count = paths.length - 1
  if (count < 1) return ''
  return count === 1 ? '1 spare path' : `${count} spare paths`
}

/** How it stands with everybody, for the line at the top. */
export function summaryWords(peers: readonly Pick<Peer, 'state'>[]): string {
  const connected = peers.filter(({ state }) => state === 'connected').length
  const lost = peers.length - connected
  if (peers.length === 0) return 'Connected to nobody yet'
  if (connected === 0) return `Reconnecting to ${peersWords(lost)} …`
  return `Connected to ${peersWords(connected)}${lost === 0 ? '' : `, reconnecting to ${lost} …`}`
}

function peersWords(count: number): string {
  return `${count} ${count === 1 ? 'peer' : 'peers'}`
}
