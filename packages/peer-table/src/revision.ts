import { encodeHex } from '@resilient-swarm/contract'
import { defaultEngine } from '@resilient-swarm/identity/engine'
import { ANCESTRY_BRIDGE_MAX, ANCESTRY_LENGTH } from './limits.ts'

/** PouchDB's `_revisions`: the leaf's position, then ids from the leaf towards the root. */
export interface Ancestry {
  readonly start: number
  readonly ids: readonly string[]
}

const REVISION_ID_BYTES = 16
const SEQ_BYTES = 8

/** The `_rev` that a record of this key and seq has everywhere; nobody chooses it. */
export function revisionOf(key: Uint8Array, seq: number): string {
  return `${seq}-${revisionId(key, seq)}`
}

/**
 * A document's revisions lie on one line that everyone can compute, 1 … 2⁵³ − 1. What is written is the stretch from `seq`
 * down to `stored`, and at least `ANCESTRY_LENGTH` long: PouchDB joins two stretches exactly when they share a position, so
 * whatever was skipped, the document keeps one leaf. `stored` is the leaf that the database has, if any.
 */
export function ancestryOf(key: Uint8Array, seq: number, stored: number = seq): Ancestry {
  const lowest = Math.max(1, Math.min(seq - ANCESTRY_LENGTH + 1, stored))
  const ids: string[] = []
  for (let position = seq; position >= lowest; position--) ids.push(revisionId(key, position))
  return { start: seq, ids }
}

/** The `_rev` that an ancestry begins with. */
export function leafOf({ start, ids }: Ancestry): string {
  return `${start}-${ids[0]}`
}

/** Whether a stretch from `seq` down to `stored` is short enough to be written. */
export function canBridge(seq: number, stored: number): boolean {
  return seq - stored <= ANCESTRY_BRIDGE_MAX
}

function revisionId(key: Uint8Array, seq: number): string {
  const bytes = new Uint8Array(key.byteLength + SEQ_BYTES)
  bytes.set(key)
  const view = new DataView(bytes.buffer)
  view.setUint32(key.byteLength, Math.floor(seq / 2 ** 32))
  view.setUint32(key.byteLength + 4, seq >>> 0)
  return encodeHex(defaultEngine.sha256(bytes).subarray(0, REVISION_ID_BYTES))
}
