import { describe, expect, it } from '@jest/globals'
import { SEED_BYTES } from '../src/limits.ts'
import { keepSeed } from '../src/seed.ts'

/** What a tab's sessionStorage does, with what it holds. */
function createStorage() {
  const entries = new Map<string, string>()
  const storage = {
    getItem: (name: string) => entries.get(name) ?? null,
    setItem: (name: string, value: string) => void entries.set(name, value),
    removeItem: (name: string) => void entries.delete(name),
  }
  return { storage, entries }
}

describe('the seed of a tab', () => {
  it('is the same after a reload and another in another tab', () => {
    const { storage: alice } = createStorage()
    const { storage: bob } = createStorage()
    const { seed } = keepSeed(() => alice)
    expect(seed.byteLength).toBe(SEED_BYTES)
    expect(keepSeed(() => alice).seed).toEqual(seed)
    expect(keepSeed(() => bob).seed).not.toEqual(seed)
  })

  it('is a new one after it was forgotten', () => {
    const { storage } = createStorage()
    const keeper = keepSeed(() => storage)
    keeper.forget()
    expect(keepSeed(() => storage).seed).not.toEqual(keeper.seed)
  })

  it('is a new one each time where storage is blocked', () => {
    const blocked = () => {
      throw new Error('SecurityError')
    }
    const keeper = keepSeed(blocked)
    expect(keeper.seed.byteLength).toBe(SEED_BYTES)
    keeper.forget()
    expect(keepSeed(blocked).seed).not.toEqual(keeper.seed)
  })

  it.each(['', 'ab', 'g'.repeat(SEED_BYTES * 2), 'ab'.repeat(SEED_BYTES + 1)])('is a new one when %j was stored', (text) => {
    const { storage, entries } = createStorage()
    keepSeed(() => storage)
    const [name] = entries.keys()
    entries.set(name ?? '', text)
    expect(keepSeed(() => storage).seed.byteLength).toBe(SEED_BYTES)
    expect(entries.get(name ?? '')).toMatch(/^[0-9a-f]{64}$/)
  })
})
