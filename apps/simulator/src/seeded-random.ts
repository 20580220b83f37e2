import type { Random } from '@resilient-swarm/contract'

/** Chance that can be repeated; worthless for secrets. */
export interface SeededRandom extends Random {
  /** An integer in [0, below). */
  below(below: number): number
  /** One of them; undefined of none. */
  pick<Item>(items: readonly Item[]): Item | undefined
  /** A new list in another order. */
  shuffle<Item>(items: readonly Item[]): Item[]
  /** With this mean: pauses between things that have nothing to do with each other. */
  exponential(mean: number): number
  /** Chance of its own, so that what one part draws changes nothing for the others. */
  fork(name: string): SeededRandom
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** mulberry32: small, and good enough to spread nodes and losses. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const fraction = () => next() / 0x1_0000_0000
  const below = (count: number) => Math.floor(fraction() * count)
  return {
    fraction,
    below,
    bytes(count) {
      const bytes = new Uint8Array(count)
      for (let index = 0; index < count; index++) bytes[index] = next() & 0xff
      return bytes
    },
    pick: (items) => items[below(items.length)],
    shuffle(items) {
      const shuffled = [...items]
      for (let index = shuffled.length - 1; index > 0; index--) {
        const other = below(index + 1)
        const kept = shuffled[index] as (typeof shuffled)[number]
        shuffled[index] = shuffled[other] as (typeof shuffled)[number]
        shuffled[other] = kept
      }
      return shuffled
    },
    exponential: (mean) => -Math.log(1 - fraction()) * mean,
    fork(name) {
      let hash = (FNV_OFFSET ^ seed) >>> 0
      for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), FNV_PRIME) >>> 0
      return createSeededRandom(hash)
    },
  }
}
