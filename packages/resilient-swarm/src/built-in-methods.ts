import type { PeerId, Runtime } from '@resilient-swarm/contract'
import { isPeerId } from '@resilient-swarm/identity'
import type { Methods } from '@resilient-swarm/rpc'
import type { ConnectedPeer } from './peer.ts'
import type { Signalling } from './signalling.ts'

export interface BuiltInOptions {
  readonly runtime: Runtime
  readonly signalling: Pick<Signalling, 'swarm'>
  readonly find: (id: PeerId) => ConnectedPeer<unknown> | undefined
  /** Whether we need the link to this peer; see `MeshLink`. */
  readonly needsLink: (peer: ConnectedPeer<unknown>) => boolean
}

/** What a node serves to this peer by rpc besides the application's own methods; see docs/protocol/README.md. */
export function builtInMethods(peer: ConnectedPeer<unknown>, options: BuiltInOptions): Methods {
  const { runtime, signalling, find } = options
  const from = peer.publicKey
  return {
    ping: () => runtime.clock.now(),
    signal: (...args: unknown[]) => signalling.swarm.take(from, args),
    signalled: (copy: unknown, proof: unknown) => {
      signalling.swarm.hear(from, copy, proof)
      return null
    },
    needsLink: () => options.needsLink(peer),
    reaches: (id: unknown) => isPeerId(id) && find(id)?.state === 'connected',
  }
}
