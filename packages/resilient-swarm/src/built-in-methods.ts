import type { PeerId, Runtime } from '@resilient-swarm/contract'
import { isPeerId } from '@resilient-swarm/identity'
import { createForwarder } from '@resilient-swarm/mesh'
import type { Methods } from '@resilient-swarm/rpc'
import type { ConnectedPeer } from './peer.ts'
import type { Signalling } from './signalling.ts'

export interface BuiltInOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly signalling: Signalling
  readonly find: (id: PeerId) => ConnectedPeer<unknown> | undefined
  /** Whether we need the link to this peer; see `MeshLink`. */
  readonly needsLink: (peer: ConnectedPeer<unknown>) => boolean
}

/** What a node serves to this peer by rpc besides the application's own methods; see docs/protocol/README.md. */
export function builtInMethods(peer: ConnectedPeer<unknown>, options: BuiltInOptions): Methods {
  const { self, runtime, signalling, find } = options
  const forward = createForwarder({
    self,
    runtime,
    find: (id) => (id === peer.publicKey ? undefined : signalling.neighbour(id)),
    receive: (box) => signalling.router.receive(box),
  })
  return {
    ping: () => runtime.clock.now(),
    signal: forward as Methods[string],
    needsLink: () => options.needsLink(peer),
    reaches: (id: unknown) => isPeerId(id) && find(id)?.state === 'connected',
  }
}
