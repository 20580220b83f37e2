import { describe, expect, it } from '@jest/globals'
import { loadOnce } from '../src/load-once.ts'

describe('code that comes later', () => {
  it('is loaded once, however many ask for it at the same time and after', async () => {
    let loads = 0
    const load = loadOnce(async () => ({ number: ++loads }))
    const [one, other] = await Promise.all([load(), load()])
    expect(other).toBe(one)
    expect(await load()).toBe(one)
    expect(loads).toBe(1)
  })

  it('is asked for again after it could not be had, and those who waited are told', async () => {
    let isOnline = false
    const load = loadOnce(async () => {
      if (!isOnline) throw new Error('offline')
      return 'part'
    })
    const waiting = [load(), load()]
    for (const one of waiting) await expect(one).rejects.toThrow('offline')
    isOnline = true
    expect(await load()).toBe('part')
  })
})
