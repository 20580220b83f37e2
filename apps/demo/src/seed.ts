import { SEED_BYTES } from './limits.ts'

const NAME = 'resilient-swarm-seed'

/** A tab's seed: the same after a reload, another in every other tab. */
export interface SeedKeeper {
  readonly seed: Uint8Array
  /** The next load of this tab is a new node. */
  forget(): void
}

/**
 * Kept in sessionStorage because it has the lifetime that a node in a page has: one tab, reloads included. In
 * localStorage two tabs would be one node, and the newer would displace the older. Where storage is blocked, each load
 * is a new node. `storage` is asked late because merely looking at `window.sessionStorage` may throw.
 */
export function keepSeed(storage: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>): SeedKeeper {
  const seed = read(storage) ?? crypto.getRandomValues(new Uint8Array(SEED_BYTES))
  attempt(() => storage().setItem(NAME, encode(seed)))
  return { seed, forget: () => attempt(() => storage().removeItem(NAME)) }
}

function read(storage: Parameters<typeof keepSeed>[0]): Uint8Array | undefined {
  const text = attempt(() => storage().getItem(NAME))
  if (!text || text.length !== SEED_BYTES * 2 || !/^[0-9a-f]+$/.test(text)) return undefined
  return Uint8Array.from({ length: SEED_BYTES }, (_, index) => Number.parseInt(text.slice(index * 2, index * 2 + 2), 16))
}

function encode(seed: Uint8Array): string {
  return [...seed].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function attempt<Value>(touch: () => Value): Value | undefined {
  try {
    return touch()
  } catch {
    return undefined
  }
}
