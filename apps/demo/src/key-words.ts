import type { PeerId } from 'resilient-swarm'

const HEAD_CHARS = 7 // 'rs1' and four that differ
const TAIL_CHARS = 4

/** Enough of a key to tell a few peers apart; never enough to trust. */
export function shortKey(key: string): string {
  return `${key.slice(0, HEAD_CHARS)}…${key.slice(-TAIL_CHARS)}`
}

/** A colour for the key, as a hue in degrees: the same everywhere, so that people can speak of "the green one". */
export function hueOf(key: PeerId): number {
  let hash = 0x811c9dc5 // FNV-1a, 32 bits: near keys get far hues
  for (const character of key) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return ((hash >>> 8) * 360) >>> 24
}
