import { type Path, type PeerId, type Substream, SwarmError } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import type { NodeBuffers } from '@resilient-swarm/multiplexer'
import { createRpcSession, type Methods } from '@resilient-swarm/rpc'
import { SUBSTREAMS_EARLY_MAX } from './limits.ts'
import { OWN_TYPES, openLink } from './link.ts'
import type { Settings } from './options.ts'
import { type BuiltInMethods, ConnectedPeer } from './peer.ts'
import { withSignal } from './with-signal.ts'

export interface ConnectPeerOptions<Remote> {
  readonly path: Path
  readonly role: 'initiator' | 'responder'
  readonly id: PeerId
  readonly keyPair: KeyPair
  readonly settings: Settings
  readonly signal: AbortSignal
  /** What this node's peers may leave unread together. */
  readonly nodeBuffers: NodeBuffers
  /** The methods the swarm itself serves to this peer. */
  readonly builtIn: (peer: ConnectedPeer<Remote>) => Methods
  /** The peer opened a substream that is not rpc. */
  readonly onSubstream: (peer: ConnectedPeer<Remote>, substream: Substream) => void
}

/** From a fresh path to a peer that can be used: key proven, admitted, rpc open. The initiator opens the swarm's substreams. */
export async function connectPeer<Remote>(options: ConnectPeerOptions<Remote>): Promise<ConnectedPeer<Remote>> {
  const { path, role, id, keyPair, settings, signal } = options
  const arrivals = createArrivals(role)
  const link = await openLink({
    path,
    role,
    expected: id,
    keyPair,
    network: settings.network,
    runtime: settings.runtime,
    signal,
    admit: settings.admit,
    onSubstream: arrivals.onSubstream,
    nodeBuffers: options.nodeBuffers,
  })
  try {
    const substream =
      role === 'initiator' ? link.multiplexer.openSubstream(OWN_TYPES.rpc) : await withSignal(arrivals.rpc, signal)
    const peer = new ConnectedPeer<Remote>(link)
    const methods = { ...settings.methods(peer as ConnectedPeer), ...options.builtIn(peer) }
    peer.attachRpc(createRpcSession<BuiltInMethods>({ substream, methods, runtime: settings.runtime }))
    arrivals.listen((arrived) => options.onSubstream(peer, arrived))
    return peer
  } catch (error) {
    link.multiplexer.abort(error instanceof SwarmError ? error : lostError(error))
    throw error
  }
}

/** Keeps substreams that come before the peer exists; the first of type `dnode` is the rpc one, when the peer is to open it. */
function createArrivals(role: 'initiator' | 'responder') {
  const early: Substream[] = []
  let forward: ((substream: Substream) => void) | undefined
  let resolveRpc: ((substream: Substream) => void) | undefined
  const rpc = new Promise<Substream>((resolve) => {
    if (role === 'responder') resolveRpc = resolve
  })
  return {
    rpc,
    onSubstream(substream: Substream): void {
      if (substream.type === OWN_TYPES.rpc && resolveRpc) {
        resolveRpc(substream)
        resolveRpc = undefined
      } else if (forward) forward(substream)
      else if (early.length < SUBSTREAMS_EARLY_MAX) early.push(substream)
      else substream.reset()
    },
    listen(listener: (substream: Substream) => void): void {
      forward = listener
      for (const substream of early.splice(0)) listener(substream)
    },
  }
}

function lostError(cause: unknown): SwarmError {
  return new SwarmError('The peer could not be set up.', { code: 'ERR_PEER_SETUP', cause })
}
