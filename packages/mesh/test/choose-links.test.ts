import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { assignRoles, chooseMode, type LinkFacts, type LinkRole, wantedLinks } from '../src/choose-links.ts'
import {
  CROWDED_ABOVE_LINKS,
  FULL_MESH_NODES_MAX,
  HELPFUL_LINKS,
  NEAR_LINKS,
  OWN_LINKS_MIN,
  PARTIAL_ABOVE_NODES,
  RANDOM_LINKS,
  SUCCESSOR_LINKS,
} from '../src/limits.ts'

const WANTED = 12
const named = (name: string | number) => `rs1${name}` as PeerId
const link = (name: string | number, facts: Partial<LinkFacts> = {}): LinkFacts => ({
  id: named(name),
  rttMs: 50,
  isRelay: false,
  linkCount: 12,
  isDrawn: false,
  isWantedByThem: false,
  lot: 0.5,
  role: undefined,
  ...facts,
})
const many = (count: number, facts: Partial<LinkFacts> = {}) => Array.from({ length: count }, (_, index) => link(index, facts))
const none = { successors: [], wanted: WANTED }
const holders = (roles: ReadonlyMap<PeerId, LinkRole>, role: LinkRole) =>
  [...roles].filter(([, one]) => one === role).map(([id]) => id)

describe('full or partial', () => {
  it.each([
    ['full', 1, 'full'],
    ['full', FULL_MESH_NODES_MAX, 'full'],
    ['full', FULL_MESH_NODES_MAX + 1, 'full'],
    ['full', PARTIAL_ABOVE_NODES, 'full'],
    ['full', PARTIAL_ABOVE_NODES + 1, 'partial'],
    ['partial', PARTIAL_ABOVE_NODES, 'partial'],
    ['partial', FULL_MESH_NODES_MAX + 1, 'partial'],
    ['partial', FULL_MESH_NODES_MAX, 'full'],
  ] as const)('what was %s is with %i nodes %s', (before, nodes, after) => {
    expect(chooseMode(before, nodes)).toBe(after)
  })
})

describe('how many links a node wants', () => {
  it.each([
    [64, WANTED],
    [24, WANTED],
    [23, 11],
    [4, 2],
    [1, OWN_LINKS_MIN],
  ])('of %i at the most', (peersMax, wanted) => {
    expect(wantedLinks(peersMax)).toBe(wanted)
  })
})

describe('what links are kept for', () => {
  it('twelve, as many of each kind as there shall be', () => {
    const links = many(20, { isDrawn: true })
    const roles = assignRoles(links, { successors: [named('unlinked'), named(7)], wanted: WANTED })
    expect(roles.size).toBe(WANTED)
    expect(holders(roles, 'random')).toHaveLength(RANDOM_LINKS)
    expect(holders(roles, 'near')).toHaveLength(NEAR_LINKS)
    expect(holders(roles, 'helpful')).toHaveLength(HELPFUL_LINKS)
    expect(holders(roles, 'successor')).toEqual([named(7)])
    expect(holders(roles, 'successor')).toHaveLength(SUCCESSOR_LINKS)
  })

  it('the nearest are near, and the relays are helpful', () => {
    const links = [...many(8), link('a', { rttMs: 1 }), link('b', { rttMs: 2 }), link('relay', { isRelay: true, rttMs: 80 })]
    const roles = assignRoles(links, none)
    expect(roles.get(named('a'))).toBe('near')
    expect(roles.get(named('b'))).toBe('near')
    expect(roles.get(named('relay'))).toBe('helpful')
  })

  it('a near link stays until another is clearly nearer', () => {
    const near = many(NEAR_LINKS, { role: 'near', rttMs: 10 })
    expect(
      holders(
        assignRoles(
          [...near, ...many(9).map((one, index) => ({ ...one, id: named(`x${index}`) })), link('new', { rttMs: 9 })],
          none,
        ),
        'near',
      ),
    ).toEqual(expect.arrayContaining(near.map(({ id }) => id)))
    expect(assignRoles([...near, link('new', { rttMs: 7 })], none).get(named('new'))).toBe('near')
  })

  it('others’ choices never take the places of our own chance', () => {
    const roles = assignRoles(many(20), none)
    expect(holders(roles, 'random')).toHaveLength(RANDOM_LINKS - OWN_LINKS_MIN)
    const drawn = link('drawn', { isDrawn: true, lot: 1, rttMs: 999 })
    expect(assignRoles([...many(20), drawn], none).get(drawn.id)).toBe('random')
  })

  it('in a crowd what others keep anyway comes before what was random', () => {
    const wanted = many(3, { isWantedByThem: true, rttMs: 900 }).map((one, index) => ({ ...one, id: named(`w${index}`) }))
    const random = many(3, { role: 'random', rttMs: 900 })
    const rest = many(CROWDED_ABOVE_LINKS - 6, { isRelay: true }).map((one, index) => ({ ...one, id: named(`r${index}`) }))
    const few = assignRoles([...wanted, ...random, ...rest], none)
    expect(random.map(({ id }) => few.get(id))).toEqual(['random', 'random', 'random'])
    const crowd = assignRoles([...wanted, ...random, ...rest, link('one more', { isRelay: true })], none)
    expect(wanted.map(({ id }) => crowd.get(id))).toEqual(['random', 'random', 'random'])
  })

  it('in a crowd of those who say that they need us our own chance is not displaced', () => {
    const mallory = many(CROWDED_ABOVE_LINKS, { isWantedByThem: true, isRelay: true, rttMs: 1 })
    const drawn = many(RANDOM_LINKS, { role: 'random', isDrawn: true, rttMs: 900 }).map((one, index) => ({
      ...one,
      id: named(`d${index}`),
    }))
    const roles = assignRoles([...mallory, ...drawn], none)
    expect(holders(roles, 'random')).toEqual(drawn.map(({ id }) => id))
  })

  it('any links: no more than wanted, all while there are few, own ones first, and the same again when asked again', () => {
    const seed = 20_261
    const random = createSeededRandom(seed)
    const chance = (share: number) => random.fraction() < share
    for (let round = 0; round < 2_000; round++) {
      const count = Math.floor(random.fraction() * 30)
      const links = Array.from({ length: count }, (_, index) =>
        link(index, {
          rttMs: chance(0.2) ? undefined : random.fraction() * 300,
          isRelay: chance(0.5),
          isDrawn: chance(0.4),
          isWantedByThem: chance(0.3),
          lot: random.fraction(),
        }),
      )
      const choice = { successors: [named(3), named(40)], wanted: WANTED }
      const roles = assignRoles(links, choice)
      const drawn = links.filter(({ id, isDrawn }) => isDrawn && roles.get(id) !== 'successor').length
      const told = `seed ${seed}, round ${round}`
      expect([told, roles.size]).toEqual([told, Math.min(count, WANTED)])
      const ours = links.filter(({ id, isDrawn }) => isDrawn && roles.get(id) === 'random').length
      expect([told, ours >= Math.min(OWN_LINKS_MIN, drawn)]).toEqual([told, true])
      const again = assignRoles(
        links.map((one) => ({ ...one, role: roles.get(one.id) })),
        choice,
      )
      expect([told, new Set(again.keys())]).toEqual([told, new Set(roles.keys())])
    }
  })
})
