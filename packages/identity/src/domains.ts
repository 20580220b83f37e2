import { concatBytes, lengthPrefixed, utf8 } from '@resilient-swarm/contract'

/**
 * Everything that is signed or hashed for others, or begins a Noise prologue, says first what it is for: nothing made for one
 * purpose is ever good for another. This is the one list; a new purpose gets a new line.
 */
export const DOMAINS = Object.freeze({
  /** Logging in at a signal server. */
  register: 'rs/1/register',
  /** A peer's record in the peer table. */
  record: 'rs/1/record',
  /** Prologue of a sealed signal. */
  signal: 'rs/1/signal',
  /** Prologue of a path's handshake. */
  path: 'rs/1/path',
  /** Hash that proves a sealed signal was opened. */
  delivered: 'rs/1/delivered',
  /** Hash that names one copy of a signal on its way. */
  copy: 'rs/1/copy',
})

export type Domain = (typeof DOMAINS)[keyof typeof DOMAINS]

const KNOWN = new Set<string>(Object.values(DOMAINS))

/** `lp(domain) ‖ lp(payload)`: what Ed25519 signs. A TypeError for a domain that is not in the list. */
export function signedBytes(domain: Domain, payload: Uint8Array): Uint8Array {
  if (!KNOWN.has(domain)) throw new TypeError(`domain must be one of ${[...KNOWN].join(', ')}`)
  return concatBytes(lengthPrefixed(utf8(domain)), lengthPrefixed(payload))
}
