import { SHARERS_KEPT_MAX, SHARERS_KEPT_SHARE } from './limits.ts'
import type { ConnectedPeer } from './peer.ts'

/**
 * Peers whose links count as used because databases are shared over them, so that they are not let go as idle. Those who began first;
 * all others come and go with the mesh, or a swarm of which everybody shares a database would never end a link.
 */
export interface KeptSharers {
  /** A peer has begun to share the database of this name; call the returned function when that ends. */
  add(name: string, peer: Pick<ConnectedPeer<unknown>, 'publicKey' | 'use'>): () => void
  /** How many more this database may keep. */
  room(name: string): number
}

interface Sharing {
  readonly name: string
  readonly peer: Pick<ConnectedPeer<unknown>, 'publicKey' | 'use'>
  /** Its use ends by this; undefined for one that has no place. */
  endUse: (() => void) | undefined
}

export function createKeptSharers({ peersMax }: { readonly peersMax: number }): KeptSharers {
  const keptMax = Math.max(1, Math.floor(peersMax / SHARERS_KEPT_SHARE))
  const sharings = new Set<Sharing>()
  const kept = () => [...sharings].filter(({ endUse }) => endUse !== undefined)
  const keptPeers = () => new Set(kept().map(({ peer }) => peer.publicKey))
  const placesOf = (name: string) => SHARERS_KEPT_MAX - kept().filter((sharing) => sharing.name === name).length

  function takePlaces(): void {
    for (const sharing of sharings) {
      if (sharing.endUse || placesOf(sharing.name) <= 0) continue
      const peers = keptPeers()
      if (peers.size < keptMax || peers.has(sharing.peer.publicKey)) sharing.endUse = sharing.peer.use.begin()
    }
  }

  return {
    add(name, peer) {
      const sharing: Sharing = { name, peer, endUse: undefined }
      sharings.add(sharing)
      takePlaces()
      return () => {
        if (!sharings.delete(sharing)) return
        sharing.endUse?.()
        takePlaces()
      }
    },
    room: (name) => Math.max(0, Math.min(placesOf(name), keptMax - keptPeers().size)),
  }
}
