import type { PeerId } from 'resilient-swarm'

const HEAD_CHARS = 7 // 'rs1' and four that differ
const TAIL_CHARS = 4

/** Enough of a key to tell a few peers apart; never enough to trust. */
export function shortKey(key: PeerId): string {
  return `${key.slice(0, HEAD_CHARS)}…${key.slice(-TAIL_CHARS)}`
}

/** A colour for the key, as a hue in degrees: the same everywhere, so that people can speak of "the green one". */
export function hueOf(key: PeerId): number {
  let mixed = 0
  for (const character of key) mixed = (mixed * 31 + character.charCodeAt(0)) % 360_000
  return mixed % 360
}
