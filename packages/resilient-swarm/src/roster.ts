import type { CloseReason, PeerId } from '@resilient-swarm/contract'
import type { LeaveReason } from './events.ts'
import type { ConnectedPeer } from './peer.ts'
import { PEER_CODES } from './peer-codes.ts'

export interface RosterOptions<Remote> {
  readonly onPeer: (peer: ConnectedPeer<Remote>) => void
  readonly onLeft: (peer: ConnectedPeer<Remote>, reason: LeaveReason, end: CloseReason) => void
}

/** Everybody who is connected, one entry a key: the newest proven instance of a peer replaces the older one. */
export interface Roster<Remote> {
  readonly peers: readonly ConnectedPeer<Remote>[]
  get(id: PeerId): ConnectedPeer<Remote> | undefined
  add(peer: ConnectedPeer<Remote>): void
  /** The peer came back as a new instance: the old one is told to be gone before the new one comes. */
  replace(id: PeerId): void
}

export function createRoster<Remote>({ onPeer, onLeft }: RosterOptions<Remote>): Roster<Remote> {
  const peers = new Map<PeerId, ConnectedPeer<Remote>>()

  function remove(peer: ConnectedPeer<Remote>, end: CloseReason): void {
    void peer.scope.close()
    if (peers.get(peer.publicKey) !== peer) return
    peers.delete(peer.publicKey)
    onLeft(peer, leaveReason(end), end)
  }

  function replace(id: PeerId): void {
    const older = peers.get(id)
    if (older) remove(older, { by: 'peer', code: PEER_CODES.replaced })
  }

  return {
    get peers() {
      return [...peers.values()]
    },
    get: (id) => peers.get(id),
    add(peer) {
      replace(peer.publicKey)
      peers.set(peer.publicKey, peer)
      void peer.session.closed.then((end) => remove(peer, end))
      onPeer(peer)
    },
    replace,
  }
}

/** In words what a session's end means for the peer. */
function leaveReason(end: CloseReason): LeaveReason {
  if (end.error) return 'lost'
  if (end.code === PEER_CODES.replaced) return 'replaced'
  if (end.code === PEER_CODES.released) return 'released'
  return end.by === 'us' ? 'closed' : 'left'
}
