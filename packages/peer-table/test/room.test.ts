import { beforeEach, describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { Arrivals } from '../src/arrivals.ts'
import { INTRODUCED_RECORDS_MAX, TABLE_RECORDS_MAX } from '../src/limits.ts'
import { PeerIndex } from '../src/peer-index.ts'
import { findRoom, type Room } from '../src/room.ts'
import { recordOf } from './documents.ts'
import { keyPairOf } from './tables.ts'

const NOW = 1_700_000_000_000
const keyPair = keyPairOf(1)
const [own, mallory, ruth] = ['own', 'mallory', 'ruth'] as [PeerId, PeerId, PeerId]
let index: PeerIndex
const put = (id: string, introducer: PeerId | undefined, change: object = {}): void => {
  index.put({
    record: { ...recordOf(keyPair, { createdMs: NOW }), id: id as PeerId, ...change },
    publicKey: keyPair.publicKey,
    envelope: new Uint8Array(),
    introducer,
    via: undefined,
    isNews: true,
  })
}
const roomFor = (id: string, introducer: PeerId | undefined, connected: readonly string[] = []): Room =>
  findRoom(index, { id: id as PeerId, introducer }, { own, nowMs: NOW, isConnected: (one) => connected.includes(one) })

beforeEach(() => {
  index = new PeerIndex()
  put(own, undefined)
})

describe("an introducer's quota", () => {
  const introduce = (count: number): void => {
    for (let number = 0; number < count; number++) put(`m${number}`, mallory)
  }

  it(`is ${INTRODUCED_RECORDS_MAX}, not for itself and not for others`, () => {
    introduce(INTRODUCED_RECORDS_MAX - 1)
    expect(roomFor('next', mallory)).toEqual({})
    put('next', mallory)
    expect(roomFor('more', mallory)).toBe('quota')
    expect(roomFor(mallory, mallory)).toEqual({})
    expect(roomFor('more', ruth)).toEqual({})
    expect(roomFor('more', undefined)).toEqual({})
  })

  it('is given back one by one by those that left or expired, so that a long life does not use it up', () => {
    introduce(INTRODUCED_RECORDS_MAX)
    put('m7', mallory, { expiresMs: NOW })
    expect(roomFor('next', mallory)).toEqual({ evicted: 'm7' })
    put('m7', mallory)
    put('m8', mallory, { left: true })
    expect(roomFor('next', mallory)).toEqual({ evicted: 'm8' })
    put('r1', ruth, { left: true })
    put('m8', mallory)
    expect(roomFor('next', mallory)).toBe('quota')
  })

  it('is theirs until a peer speaks for itself', () => {
    introduce(INTRODUCED_RECORDS_MAX)
    put('m3', ruth)
    expect(index.get('m3' as PeerId)?.introducer).toBe(mallory)
    expect(roomFor('next', mallory)).toBe('quota')
    put('m3', 'm3' as PeerId)
    expect(index.get('m3' as PeerId)?.introducer).toBe('m3')
    expect(roomFor('next', mallory)).toEqual({})
    put('m3', mallory)
    expect(index.get('m3' as PeerId)?.introducer).toBe('m3')
    expect(index.introducedBy(mallory).size).toBe(INTRODUCED_RECORDS_MAX - 1)
  })

  it('does not count our own record, which somebody may play back', () => {
    introduce(INTRODUCED_RECORDS_MAX)
    expect(roomFor(own, mallory)).toEqual({})
  })
})

describe('a full table', () => {
  beforeEach(() => {
    for (let number = 1; number < TABLE_RECORDS_MAX; number++) put(`h${number}`, number % 2 ? ruth : undefined)
  })
  const lastHearsay = `h${TABLE_RECORDS_MAX - 1}`

  it(`has ${TABLE_RECORDS_MAX}`, () => {
    expect(roomFor('next', mallory)).toBe('full')
    index.remove('h1' as PeerId)
    expect(roomFor('next', mallory)).toEqual({})
  })

  it('has room for the word of a peer itself and for ours, in place of the last hearsay', () => {
    expect(roomFor('next', 'next' as PeerId)).toEqual({ evicted: lastHearsay })
    expect(roomFor(own, undefined)).toEqual({ evicted: lastHearsay })
    // Who was told of long ago is not the last because it changed.
    put('h5', ruth, { seq: 2 })
    expect(roomFor('next', 'next' as PeerId)).toEqual({ evicted: lastHearsay })
    put(lastHearsay, lastHearsay as PeerId)
    expect(roomFor('next', 'next' as PeerId)).toEqual({ evicted: `h${TABLE_RECORDS_MAX - 2}` })
  })

  it('gives up what ended before anything else, but not ours', () => {
    put(own, undefined, { expiresMs: NOW })
    expect(roomFor('next', mallory)).toBe('full')
    put('h2', ruth, { expiresMs: NOW + 1 })
    expect(roomFor('next', mallory)).toBe('full')
    put('h2', ruth, { expiresMs: NOW })
    for (let time = 0; time < 2; time++) expect(roomFor('next', mallory)).toEqual({ evicted: 'h2' })
    expect(roomFor('next', 'next' as PeerId)).toEqual({ evicted: 'h2' })
    index.remove('h2' as PeerId)
    put('next', mallory)
    expect(roomFor('other', mallory)).toBe('full')
    put('h4', ruth, { left: true })
    expect(roomFor('other', mallory)).toEqual({ evicted: 'h4' })
  })

  it('spares those that we are connected to when only such told of themselves', () => {
    for (let number = 1; number < TABLE_RECORDS_MAX; number++) put(`h${number}`, `h${number}` as PeerId)
    expect(roomFor('next', mallory)).toBe('full')
    expect(roomFor('next', 'next' as PeerId, [lastHearsay])).toEqual({ evicted: `h${TABLE_RECORDS_MAX - 2}` })
    const everybody = Array.from({ length: TABLE_RECORDS_MAX - 1 }, (_, at) => `h${at + 1}`)
    expect(roomFor('next', 'next' as PeerId, everybody)).toBe('full')
  })

  it('refuses without looking through itself', () => {
    let seen = 0
    const values = index.values.bind(index)
    index.values = () => {
      seen++
      return values()
    }
    const cpu = process.cpuUsage()
    for (let time = 0; time < 100_000; time++) roomFor('next', mallory)
    const { user } = process.cpuUsage(cpu)
    expect(seen).toBe(0)
    // A scan of the table takes tens of microseconds; this is a look at two fields.
    expect(user / 100_000).toBeLessThan(10)
  })
})

it('the last to arrive is the same as in a slow list, whatever comes, speaks for itself and goes', () => {
  const seed = Number(process.env.SEED ?? Date.now() & 0x7fff_ffff)
  const random = createSeededRandom(seed)
  const pick = (count: number): number => Math.floor(random.fraction() * count)
  for (let round = 0; round < 300; round++) {
    const arrivals = new Arrivals()
    let hearsay: PeerId[] = []
    let direct: PeerId[] = []
    for (let step = 0; step < 120; step++) {
      const id = `p${pick(12)}` as PeerId
      const kind = pick(4)
      if (kind === 0) {
        arrivals.remove(id)
        hearsay = hearsay.filter((one) => one !== id)
        direct = direct.filter((one) => one !== id)
      } else {
        arrivals.note(id, kind === 1 ? id : kind === 2 ? mallory : undefined)
        if (kind === 1) {
          hearsay = hearsay.filter((one) => one !== id)
          if (!direct.includes(id)) direct.push(id)
        } else if (!direct.includes(id) && !hearsay.includes(id)) hearsay.push(id)
      }
      expect({ seed, id: arrivals.lastHearsay('p3' as PeerId) }).toEqual({
        seed,
        id: hearsay.filter((one) => one !== 'p3').at(-1),
      })
      const isSpared = (one: PeerId) => one < 'p4'
      expect({ seed, id: arrivals.lastDirect(isSpared) }).toEqual({ seed, id: direct.filter((one) => !isSpared(one)).at(-1) })
    }
  }
})
