import { type CloseReason, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import { RPC_LIMITS } from '@resilient-swarm/rpc'
import type { LeaveReason } from './events.ts'
import { PING_TIMEOUT_MS } from './limits.ts'
import { LINK_CODES } from './link.ts'
import { watchLiveness } from './liveness.ts'
import type { ConnectedPeer } from './peer.ts'

export interface RosterOptions<Remote> {
  readonly runtime: Runtime
  readonly onPeer: (peer: ConnectedPeer<Remote>) => void
  readonly onLeft: (peer: ConnectedPeer<Remote>, reason: LeaveReason, end: CloseReason) => void
}

/** Everybody who is connected, one entry a key: the newest proven instance of a peer replaces the older one. */
export interface Roster<Remote> {
  readonly peers: readonly ConnectedPeer<Remote>[]
  get(id: PeerId): ConnectedPeer<Remote> | undefined
  add(peer: ConnectedPeer<Remote>): void
}

export function createRoster<Remote>({ runtime, onPeer, onLeft }: RosterOptions<Remote>): Roster<Remote> {
  const peers = new Map<PeerId, ConnectedPeer<Remote>>()

  function remove(peer: ConnectedPeer<Remote>, end: CloseReason): void {
    void peer.scope.close()
    if (peers.get(peer.publicKey) !== peer) return
    peers.delete(peer.publicKey)
    onLeft(peer, leaveReason(end), end)
  }

  return {
    get peers() {
      return [...peers.values()]
    },
    get: (id) => peers.get(id),
    add(peer) {
      const older = peers.get(peer.publicKey)
      if (older) {
        remove(older, { by: 'peer', code: LINK_CODES.replaced })
        older.link.secure.close({ by: 'us', code: LINK_CODES.replaced })
      }
      peers.set(peer.publicKey, peer)
      void peer.link.secure.closed.then((end) => remove(peer, end))
      watchLiveness({
        clock: runtime.clock,
        scope: peer.scope,
        ping: () => ping(peer.session),
        onRtt: (rttMs) => peer.updateRtt(rttMs),
        onLost: (error) => peer.link.multiplexer.abort(error),
      })
      onPeer(peer)
    },
  }
}

/** Asks for an answer; ERR_RPC_BUSY when it would have to wait behind the application's own calls. */
async function ping(session: ConnectedPeer['session']): Promise<void> {
  if (session.load.calls >= RPC_LIMITS.inFlightMax) {
    throw new SwarmError('Too many calls are in flight to ping.', { code: 'ERR_RPC_BUSY', retryable: true })
  }
  await session.call('ping', [], { timeoutMs: PING_TIMEOUT_MS })
}

/** In words what a link's end means for the peer. */
function leaveReason(end: CloseReason): LeaveReason {
  if (end.error) return 'lost'
  if (end.code === LINK_CODES.replaced) return 'replaced'
  return end.by === 'us' ? 'closed' : 'left'
}
