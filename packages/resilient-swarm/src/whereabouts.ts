import type { PeerId } from '@resilient-swarm/contract'
import { GONE_ANSWER_MS, GONE_ASKED_MAX } from './limits.ts'
import type { ConnectedPeer } from './peer.ts'

export interface WhereaboutsOptions {
  /** Which of these are online at our signal servers; rejects when no server can say. */
  readonly lookUp: (ids: readonly PeerId[]) => Promise<ReadonlySet<PeerId>>
  /** Connected peers that may know, best first. */
  readonly neighbours: () => readonly ConnectedPeer<unknown>[]
}

/**
 * Whether a peer that no path leads to any more is gone for good. Only a signal server can say so, for the peer's own connection to it
 * ended: silence has other reasons too. And no neighbour may reach the peer.
 */
export async function isGoneForGood(target: PeerId, { lookUp, neighbours }: WhereaboutsOptions): Promise<boolean> {
  const online = await lookUp([target]).catch(() => undefined)
  if (!online || online.has(target)) return false
  const asked = neighbours()
    .filter(({ publicKey, state }) => publicKey !== target && state === 'connected')
    .slice(0, GONE_ASKED_MAX)
  const answers = await Promise.all(asked.map((neighbour) => reaches(neighbour, target)))
  return !answers.includes(true)
}

async function reaches(neighbour: ConnectedPeer<unknown>, target: PeerId): Promise<boolean> {
  try {
    return (await neighbour.rpcSession.call('reaches', [target], { timeoutMs: GONE_ANSWER_MS })) === true
  } catch {
    return false
  }
}
