import { type PeerId, SwarmError } from '@resilient-swarm/contract'
import { parsePeerId } from '@resilient-swarm/identity'
import { SHARERS_LISTED_MAX } from './limits.ts'

/** With whom a database is shared: nobody else reads it, and nobody else is read from. */
export type SharePeers = readonly string[] | ((peer: PeerId) => boolean)

export interface SharePolicy {
  /** The keys of a list, each once; empty where there is none. */
  readonly listed: readonly PeerId[]
  /** Whether the answer may change. */
  readonly mayChange: boolean
  lets(peer: PeerId): boolean
}

/** A list is read once; a function is asked each time. A TypeError, RangeError or `ERR_KEY_TEXT` names what is wrong. */
export function readSharePolicy(peers: SharePeers | undefined, onError: (error: SwarmError) => void): SharePolicy {
  if (peers === undefined) return { listed: [], mayChange: false, lets: () => true }
  if (typeof peers === 'function') return { listed: [], mayChange: true, lets: asking(peers, onError) }
  if (!Array.isArray(peers)) throw new TypeError('peers must be an array of keys or a function')
  if (peers.length > SHARERS_LISTED_MAX) throw new RangeError(`peers lists at most ${SHARERS_LISTED_MAX} keys`)
  const listed = new Set(peers.map(parsePeerId))
  return { listed: [...listed], mayChange: false, lets: (peer) => listed.has(peer) }
}

/** Anything but true is a no, and so is what throws. */
function asking(peers: (peer: PeerId) => boolean, onError: (error: SwarmError) => void): SharePolicy['lets'] {
  return (peer) => {
    try {
      return peers(peer) === true
    } catch (cause) {
      const message = 'peers failed, so the database is not shared with this peer; mend it, the cause says how it failed.'
      onError(new SwarmError(message, { code: 'ERR_SHARE_PEERS', cause }))
      return false
    }
  }
}
