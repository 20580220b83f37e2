import { expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { Namesakes } from '../src/namesakes.ts'
import type { ShortName } from '../src/short-name.ts'

const name = 'name' as ShortName
const [alice, bob, carol] = ['alice', 'bob', 'carol'] as PeerId[] as [PeerId, PeerId, PeerId]

it('a name means who has it alone, and nobody while several have it', () => {
  const names = new Namesakes()
  expect(names.get(name)).toBeUndefined()
  names.add(name, alice)
  expect(names.get(name)).toBe(alice)
  names.add(name, bob)
  names.add(name, carol)
  expect([names.get(name), names.isShared(name)]).toEqual([undefined, true])
  names.remove(name, alice)
  expect([names.get(name), names.isShared(name)]).toEqual([undefined, true])
  names.remove(name, bob)
  expect([names.get(name), names.isShared(name)]).toEqual([carol, false])
  names.remove(name, carol)
  expect(names.get(name)).toBeUndefined()
})
