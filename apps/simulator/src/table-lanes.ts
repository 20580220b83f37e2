import type { Channel, Clock, PeerId } from '@resilient-swarm/contract'
import type { PeerTable } from '@resilient-swarm/peer-table'
import { REPLICATION_RETRY_MS } from './limits.ts'
import type { SimulatedPeer } from './peer.ts'

export interface TableLanesOptions {
  readonly clock: Clock
  /** Undefined when the node is not open any more. */
  readonly table: () => PeerTable | undefined
}

/** The replications of one node, one a peer, as the facade's `table-link.ts` keeps them. */
export interface TableLanes {
  /** Opens one to the peer, again whenever it ends while the peer stays. */
  keep(peer: SimulatedPeer): Promise<void>
  /** Serves one that the peer opened; it takes the place of the one before. */
  replicate(peer: SimulatedPeer, channel: Channel): Promise<void>
}

export function createTableLanes({ clock, table }: TableLanesOptions): TableLanes {
  const replications = new Map<PeerId, { close(): void | Promise<void> }>()

  async function replicate(peer: SimulatedPeer, channel: Channel): Promise<void> {
    await replications.get(peer.publicKey)?.close()
    const opened = table()
    if (!opened) return channel.close()
    const replication = opened.replicate({ channel, peer: peer.publicKey })
    replications.set(peer.publicKey, replication)
    await replication.closed
    if (replications.get(peer.publicKey) === replication) replications.delete(peer.publicKey)
  }

  async function keep(peer: SimulatedPeer): Promise<void> {
    if (peer.state === 'ended' || !table()) return
    await replicate(peer, peer.openTable())
    clock.setTimer(REPLICATION_RETRY_MS, () => void keep(peer))
  }

  return { keep, replicate }
}
