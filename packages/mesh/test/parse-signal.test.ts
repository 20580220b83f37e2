import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { HOP_NAME_CHARS, SIGNAL_ROUNDS_MS, SIGNAL_TTL_MAX } from '../src/limits.ts'
import { hopName } from '../src/neighbour.ts'
import { encodeWay, parseSignal } from '../src/parse-signal.ts'
import { createIds } from './virtual-swarm.ts'

const [alice, bob, carol] = createIds(3) as [PeerId, PeerId, PeerId]
const id = '0123456789abcdef'.repeat(2)
const box = 'AAAA'
const way = { route: '', ttl: 3, round: 0 }

describe('a signal that a neighbour hands us', () => {
  it('is read as it was written', () => {
    const signal = { to: alice, id, box, route: [hopName(bob), hopName(carol)], ttl: 7, round: 2 }
    expect(parseSignal(JSON.parse(JSON.stringify([alice, id, box, encodeWay(signal)])))).toEqual(signal)
  })

  it('without a way goes one hop', () => {
    expect(parseSignal([alice, id, box])).toEqual({ to: alice, id, box, route: [], ttl: 1, round: 0 })
  })

  it.each([SIGNAL_TTL_MAX - 1, SIGNAL_TTL_MAX, 10_000, Number.MAX_SAFE_INTEGER])(
    'with a ttl of %i has no more than the most',
    (ttl) => {
      expect(parseSignal([alice, id, box, { ...way, ttl }]).ttl).toBe(SIGNAL_TTL_MAX - 1)
    },
  )

  it.each([
    ['as many hops as the ttl has hands', { ...way, route: 'a'.repeat((SIGNAL_TTL_MAX - 1) * HOP_NAME_CHARS) }],
    ['the last round', { ...way, round: SIGNAL_ROUNDS_MS.length - 1 }],
    ['no hands left', { ...way, ttl: 0 }],
  ])('with %s is one', (_, sent) => {
    expect(parseSignal([alice, id, box, sent])).toMatchObject({ to: alice })
  })

  it.each([
    ['a key that is none', ['rs1', id, box, way]],
    ['a number for a key', [7, id, box, way]],
    ['a short id', [alice, 'abc', box, way]],
    ['an id in capitals', [alice, id.toUpperCase(), box, way]],
    ['a box that is no text', [alice, id, {}, way]],
    ['an empty box', [alice, id, '', way]],
    ['a box over the most', [alice, id, 'A'.repeat(16_385), way]],
    ['a box that is no base64url', [alice, id, '?', way]],
    ['a way that is none', [alice, id, box, null]],
    ['a route of 10,000 hops', [alice, id, box, { ...way, route: 'a'.repeat(10_000 * HOP_NAME_CHARS) }]],
    ['a route of one hop too many', [alice, id, box, { ...way, route: 'a'.repeat(SIGNAL_TTL_MAX * HOP_NAME_CHARS) }]],
    ['a route that ends inside a name', [alice, id, box, { ...way, route: 'a'.repeat(HOP_NAME_CHARS + 1) }]],
    ['a route of other letters', [alice, id, box, { ...way, route: 'A'.repeat(HOP_NAME_CHARS) }]],
    ['a route that is a list', [alice, id, box, { ...way, route: [hopName(bob)] }]],
    ['a negative ttl', [alice, id, box, { ...way, ttl: -1 }]],
    ['half a hand', [alice, id, box, { ...way, ttl: 1.5 }]],
    ['a ttl as text', [alice, id, box, { ...way, ttl: '3' }]],
    ['one round too many', [alice, id, box, { ...way, round: SIGNAL_ROUNDS_MS.length }]],
    ['nothing', []],
  ])('with %s is refused', (_, args) => {
    expect(() => parseSignal(args)).toThrow(expect.objectContaining({ code: 'ERR_SIGNAL_MALFORMED' }))
  })
})
