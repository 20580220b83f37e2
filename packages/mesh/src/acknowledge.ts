import { concatBytes, encodeHex, lengthPrefixed, utf8 } from '@resilient-swarm/contract'
import { DOMAINS } from '@resilient-swarm/identity'
import { defaultEngine } from '@resilient-swarm/identity/engine'
import type { TravellingSignal } from './neighbour.ts'

const PROOF_BYTES = 16
const PROOF = /^[0-9a-f]{32}$/

function digest(...parts: readonly string[]): string {
  return encodeHex(defaultEngine.sha256(concatBytes(...parts.map((part) => lengthPrefixed(utf8(part))))).subarray(0, PROOF_BYTES))
}

/**
 * What a receiver answers to a signal that it has opened. `attempt` stands inside the box, so nobody on the way can claim a
 * delivery that did not happen.
 */
export function proveDelivery({ attempt, id }: { readonly attempt: string; readonly id: string }): string {
  return digest(DOMAINS.delivered, attempt, id)
}

export function isProof(candidate: unknown): candidate is string {
  return typeof candidate === 'string' && PROOF.test(candidate)
}

/** The name that all hops have for one copy: a box that mallory changed is another copy, and does not burn the true one. */
export function nameCopy({ to, id, box, round }: TravellingSignal): string {
  return digest(DOMAINS.copy, to, id, box, String(round))
}
