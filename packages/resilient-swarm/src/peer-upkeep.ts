import { type PeerId, type Runtime, type Scope, SwarmError } from '@resilient-swarm/contract'
import type { SessionPath, SessionPathEvent } from '@resilient-swarm/session'
import type { Circuits } from './circuits.ts'
import type { DirectDialler } from './direct-dialler.ts'
import { watchNetwork } from './network-changes.ts'
import { createPathKeeper, type PathKeeper } from './path-keeper.ts'
import type { ConnectedPeer } from './peer.ts'
import type { Signalling } from './signalling.ts'
import { isGoneForGood } from './whereabouts.ts'

export interface PeerUpkeepOptions {
  readonly runtime: Runtime
  readonly scope: Scope
  readonly peers: () => readonly ConnectedPeer<unknown>[]
  readonly dialler: DirectDialler
  readonly circuits: Circuits
  readonly signalling: Signalling
  /** Refuses, late, what this peer offered and we are still answering. */
  readonly abandonAnswers: (id: PeerId) => void
}

/** One path keeper a connected peer, given what it needs. */
export interface PeerUpkeep {
  watch(peer: ConnectedPeer<unknown>): void
  /** Something about this peer, or about who may relay to it, has changed. */
  nudge(id: PeerId): void
  onPath(id: PeerId, event: SessionPathEvent): void
  onLeaving(id: PeerId, path: SessionPath): void
}

export function createPeerUpkeep(options: PeerUpkeepOptions): PeerUpkeep {
  const { runtime, scope, peers, dialler, circuits, signalling, abandonAnswers } = options
  const { clock } = runtime
  const keepers = new Map<PeerId, PathKeeper>()
  watchNetwork(scope, (change) => {
    for (const keeper of keepers.values()) keeper.networkChanged(change)
  })

  return {
    watch(peer) {
      const target = peer.publicKey
      const keeper = createPathKeeper({
        clock,
        peer,
        isDiallingDirect: () => dialler.isDialling(target),
        dialDirect: () => dialler.dial(target),
        abandonDirect() {
          dialler.cancel(target, networkChangedError())
          abandonAnswers(target)
        },
        dialVia: (relay) => circuits.dial({ relay, target, signal: peer.scope.signal }),
        isOurs: circuits.isOurs,
        relays: (directRttMs) => circuits.relaysTo(target, directRttMs),
        isGone: () => isGoneForGood(target, { lookUp: signalling.lookUp, neighbours: peers }),
      })
      keepers.set(target, keeper)
      peer.scope.add(() => {
        if (keepers.get(target) === keeper) keepers.delete(target)
      })
    },
    nudge: (id) => keepers.get(id)?.nudge(),
    onPath: (id, event) => keepers.get(id)?.onPath(event),
    onLeaving: (id, path) => keepers.get(id)?.onLeaving(path),
  }
}

function networkChangedError(): SwarmError<'ERR_NETWORK_CHANGED'> {
  return new SwarmError('The network changed, so this attempt was given up for a new one.', {
    code: 'ERR_NETWORK_CHANGED',
    retryable: true,
  })
}
