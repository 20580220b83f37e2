import type { Clock, PeerId, Scope } from '@resilient-swarm/contract'
import { LINK_RTT_CHANGE_MIN, LINK_RTT_CHANGE_MS_MIN, LINKS_REVIEW_MS } from './limits.ts'

/** A connected peer, as far as our record tells of it. */
export interface ToldPeer {
  readonly publicKey: PeerId
  readonly rttMs: number | undefined
  readonly isDirect: boolean
}

export interface LinksTellerOptions<Peer extends ToldPeer> {
  readonly clock: Clock
  readonly scope: Scope
  readonly peers: () => readonly Peer[]
  readonly publish: (peers: readonly Peer[]) => void
}

/** Tells the swarm, by our record, whom we are connected to directly and how near they are: what others choose relays by. */
export interface LinksTeller {
  /** Says it now; the record's own damping decides when it goes out. */
  tell(): void
}

export function createLinksTeller<Peer extends ToldPeer>(options: LinksTellerOptions<Peer>): LinksTeller {
  const { clock, scope, peers, publish } = options
  let told = new Map<PeerId, number | undefined>()

  const direct = () => peers().filter(({ isDirect }) => isDirect)

  function tell(): void {
    const now = direct()
    told = new Map(now.map(({ publicKey, rttMs }) => [publicKey, rttMs]))
    publish(now)
  }

  function review(): void {
    const now = direct()
    const isNews =
      now.length !== told.size ||
      now.some((peer) => !told.has(peer.publicKey) || isOtherRtt(told.get(peer.publicKey), peer.rttMs))
    if (isNews) tell()
    scope.timer(clock, LINKS_REVIEW_MS, review)
  }
  scope.timer(clock, LINKS_REVIEW_MS, review)

  return { tell }
}

/** Whether a round trip is worth telling anew: measured for the first time, or changed by a share of it and by milliseconds. */
export function isOtherRtt(toldMs: number | undefined, rttMs: number | undefined): boolean {
  if (rttMs === undefined) return false
  if (toldMs === undefined) return true
  const change = Math.abs(rttMs - toldMs)
  return change >= LINK_RTT_CHANGE_MS_MIN && change >= LINK_RTT_CHANGE_MIN * toldMs
}
