import { type PeerId, type Substream, SwarmError } from '@resilient-swarm/contract'
import { createMultiplexer, type NodeBuffers } from '@resilient-swarm/multiplexer'
import { createRpcSession, type Methods } from '@resilient-swarm/rpc'
import type { Session } from '@resilient-swarm/session'
import { ATTEMPT_TIMEOUT_MS, SUBSTREAMS_EARLY_MAX } from './limits.ts'
import type { Settings } from './options.ts'
import { OWN_TYPES } from './own-types.ts'
import { type BuiltInMethods, ConnectedPeer } from './peer.ts'
import { watchMethods } from './use-watch.ts'

export interface SetUpPeerOptions<Remote> {
  readonly id: PeerId
  readonly session: Session
  /** Of two peers the one with the larger key leads: it opens the swarm's own substreams. */
  readonly leads: boolean
  readonly settings: Settings
  /** What this node's peers may leave unread together. */
  readonly nodeBuffers: NodeBuffers
  /** The methods the swarm itself serves to this peer. */
  readonly builtIn: (peer: ConnectedPeer<Remote>) => Methods
  /** The peer opened a substream that is not rpc. */
  readonly onSubstream: (peer: ConnectedPeer<Remote>, substream: Substream) => void
}

/** From a session that has just begun to a peer that can be used: its substreams, and rpc over the first. Ends the session on failure. */
export async function setUpPeer<Remote>(options: SetUpPeerOptions<Remote>): Promise<ConnectedPeer<Remote>> {
  const { id, session, leads, settings, nodeBuffers } = options
  const { runtime } = settings
  const arrivals = createArrivals({ leads })
  const role = leads ? 'initiator' : 'responder'
  const multiplexer = createMultiplexer({ channel: session, role, runtime, onSubstream: arrivals.onSubstream, nodeBuffers })
  try {
    const substream = leads ? multiplexer.openSubstream(OWN_TYPES.rpc) : await within(options, arrivals.rpc)
    const peer = new ConnectedPeer<Remote>({ id, session, multiplexer, leads, clock: runtime.clock })
    const methods = { ...watchMethods(settings.methods(peer as ConnectedPeer), peer.use), ...options.builtIn(peer) }
    peer.attachRpc(createRpcSession<BuiltInMethods>({ substream, methods, runtime }))
    arrivals.listen((arrived) => options.onSubstream(peer, arrived))
    return peer
  } catch (cause) {
    const error =
      cause instanceof SwarmError ? cause : new SwarmError('The peer could not be set up.', { code: 'ERR_PEER_SETUP', cause })
    multiplexer.abort(error)
    throw error
  }
}

/** The peer's rpc substream; fails when the session ends before it, or when the peer never opens it. */
function within<Remote>({ session, settings }: SetUpPeerOptions<Remote>, arrival: Promise<Substream>): Promise<Substream> {
  return new Promise((resolve, reject) => {
    const fail = (message: string) => reject(new SwarmError(message, { code: 'ERR_PEER_SETUP', retryable: true }))
    const timer = settings.runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => fail('The peer never opened its rpc substream.'))
    void arrival.then(resolve)
    void session.closed.then(() => fail('The peer went away before it could be used.'))
    void Promise.race([arrival, session.closed]).then(() => timer.cancel())
  })
}

/** Keeps substreams that come before the peer exists; the first of type `dnode` is the rpc one, when the peer is to open it. */
function createArrivals({ leads }: { leads: boolean }) {
  const early: Substream[] = []
  let forward: ((substream: Substream) => void) | undefined
  let resolveRpc: ((substream: Substream) => void) | undefined
  const rpc = new Promise<Substream>((resolve) => {
    if (!leads) resolveRpc = resolve
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
