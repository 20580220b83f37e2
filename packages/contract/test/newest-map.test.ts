import { expect, it } from '@jest/globals'
import { createNewestMap } from '../src/newest-map.ts'

it('keeps max entries, and of max + 1 forgets the one that was set longest ago', () => {
  const map = createNewestMap<string, number>(2)
  map.set('alice', 1).set('bob', 2)
  expect([...map]).toEqual([
    ['alice', 1],
    ['bob', 2],
  ])
  map.set('carol', 3)
  expect([...map.keys()]).toEqual(['bob', 'carol'])
})

it('counts a key that is set again as new, and one that is only read as it was', () => {
  const map = createNewestMap<string, number>(2)
  map.set('alice', 1).set('bob', 2).set('alice', 3)
  expect(map.get('bob')).toBe(2)
  map.set('carol', 4)
  expect([...map]).toEqual([
    ['alice', 3],
    ['carol', 4],
  ])
})
