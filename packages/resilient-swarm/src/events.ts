import type { Substream, SwarmError } from '@resilient-swarm/contract'
import type { PeerRecord } from '@resilient-swarm/peer-table'
import type { Peer } from './peer.ts'

/**
 * Why a peer is no longer connected: it said goodbye, was replaced by a newer instance of itself, was closed by us, was lost, or
 * was released: it is there, and a call reaches it again, but neither end needed the link.
 */
export type LeaveReason = 'left' | 'replaced' | 'closed' | 'lost' | 'released'

/** What a swarm tells, by name. Facts, in the order they became true. */
export interface SwarmEvents<Remote = unknown> {
  /** A peer's key was proven and its substreams are open. A late listener gets those that are there already. */
  peer: [peer: Peer<Remote>]
  /** A peer is gone; `error` says how when it did not leave by itself. */
  'peer-left': [peer: Peer<Remote>, reason: LeaveReason, error: SwarmError | undefined]
  /** A peer opened a substream of the application's. Without any listener such substreams are reset. */
  stream: [substream: Substream, peer: Peer<Remote>]
  /** The peer table has a new or newer record. */
  record: [record: PeerRecord]
  /** Something a user should know: a call that failed, no signal server, a wrong clock. The swarm goes on. */
  error: [error: SwarmError]
  /** A newer instance proved the same key; this one has left. */
  displaced: []
}
