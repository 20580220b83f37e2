import { type CloseReason, SwarmError } from '@resilient-swarm/contract'

/**
 * Why a node ends a path or a whole session with a peer, as the other side is told: in the cipher's CLOSE record of a path that
 * has joined no session yet, in the session's CLOSE afterwards. Those below 64 are the layers' between, from 200 on session's and cipher's.
 */
export const PEER_CODES = { finished: 0, notAdmitted: 64, replaced: 65, full: 66, leaving: 67, released: 68 } as const

/** What the peer said when it ended a path instead of taking it; undefined for any other end. */
export function refusalOfPath({ by, code }: CloseReason): SwarmError | undefined {
  if (by !== 'peer') return undefined
  switch (code) {
    case PEER_CODES.notAdmitted:
      return new SwarmError('The peer does not admit this node: ask its owner to.', { code: 'ERR_REFUSED' })
    case PEER_CODES.full:
      return new SwarmError('The peer has no room right now; the call goes on.', { code: 'ERR_PEER_BUSY', retryable: true })
    case PEER_CODES.leaving:
      return new SwarmError('The peer is just leaving.', { code: 'ERR_PEER_LEAVING', retryable: true })
    default:
      return undefined
  }
}
