import { SwarmError } from '@resilient-swarm/contract'

/** Why a node refuses an offer, as sent in a sealed `refuse`. Numbers below 16 are the transports' own. */
export const REFUSAL_CODES = { notAdmitted: 16, busy: 17, leaving: 18, moved: 19 } as const

/** True for a refusal by the node; the transport is told of the others. */
export function isRefusalByNode(code: number): boolean {
  return code >= REFUSAL_CODES.notAdmitted
}

/** What the caller learns from a refusal. Unknown codes of later versions are taken as "not now". */
export function refusalError(code: number): SwarmError {
  switch (code) {
    case REFUSAL_CODES.notAdmitted:
      return new SwarmError('The peer does not admit this node: ask its owner to.', { code: 'ERR_REFUSED' })
    case REFUSAL_CODES.leaving:
      return new SwarmError('The peer is just leaving.', { code: 'ERR_PEER_LEAVING', retryable: true })
    case REFUSAL_CODES.moved:
      return new SwarmError('The peer’s network changed while it answered; it is dialled anew.', {
        code: 'ERR_NETWORK_CHANGED',
        retryable: true,
      })
    default:
      return new SwarmError('The peer has no room right now; the call goes on.', { code: 'ERR_PEER_BUSY', retryable: true })
  }
}
