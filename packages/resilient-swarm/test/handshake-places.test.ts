import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { byRelay, createHandshakePlaces } from '../src/handshake-places.ts'
import { HANDSHAKES_PENDING_MAX, HANDSHAKES_PENDING_PER_KEY_MAX } from '../src/limits.ts'

const keys = Array.from({ length: HANDSHAKES_PENDING_MAX + 1 }, () => createKeyPair().peerId)
const [mallory, bob] = keys as [(typeof keys)[0], (typeof keys)[0]]

describe('places for handshakes', () => {
  it('are free up to the most, for as many keys', () => {
    const places = createHandshakePlaces()
    for (const key of keys.slice(1)) {
      expect(places.room(key)).toBe('free')
      places.take(key)
    }
    expect(places.taken).toBe(HANDSHAKES_PENDING_MAX)
    expect(places.room(keys[0] as typeof mallory)).toBe('full')
  })

  it('are few for one key, and the others find room', () => {
    const places = createHandshakePlaces()
    for (let count = 0; count < HANDSHAKES_PENDING_PER_KEY_MAX; count++) {
      expect(places.room(mallory)).toBe('free')
      places.take(mallory)
    }
    expect(places.room(mallory)).toBe('too many of this key')
    expect(places.room(bob)).toBe('free')
  })

  it('leave half of themselves to those who say who they are', () => {
    const places = createHandshakePlaces()
    for (let count = 0; count < HANDSHAKES_PENDING_MAX / 2; count++) {
      expect(places.room('unknown')).toBe('free')
      places.take('unknown')
    }
    expect(places.room('unknown')).toBe('too many of this key')
    expect(places.room(bob)).toBe('free')
  })

  it('are the relay’s own for whomever it brings, so that it takes none from those whom it names', () => {
    const places = createHandshakePlaces()
    for (let count = 0; count < HANDSHAKES_PENDING_PER_KEY_MAX; count++) {
      expect(places.room(byRelay(mallory))).toBe('free')
      places.take(byRelay(mallory))
    }
    expect(places.room(byRelay(mallory))).toBe('too many of this key')
    expect(places.room(byRelay(bob))).toBe('free')
    expect(places.room(bob)).toBe('free')
    expect(places.room(mallory)).toBe('free')
  })

  it('are left by half to those who say who they are, however many relays there are', () => {
    const places = createHandshakePlaces()
    const leaves = keys.slice(0, HANDSHAKES_PENDING_MAX / 2 - 1).map((key) => places.take(byRelay(key)))
    places.take('unknown')
    expect([places.room('unknown'), places.room(byRelay(bob))]).toEqual(Array(2).fill('too many of this key'))
    expect(places.room(bob)).toBe('free')
    leaves[0]?.()
    expect(places.room('unknown')).toBe('free')
  })

  it('are given back once, however often it is said', () => {
    const places = createHandshakePlaces()
    const [leave] = [places.take(mallory), places.take(mallory)]
    leave?.()
    leave?.()
    expect(places.taken).toBe(1)
  })
})
