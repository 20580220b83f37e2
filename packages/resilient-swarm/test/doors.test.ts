import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createDoors, doorRetryMs } from '../src/doors.ts'
import { DOOR_RETRY_MS_MAX, DOOR_RETRY_MS_MIN, DOORS_MAX, DOORS_UNPROVEN_MAX } from '../src/limits.ts'
import { encodeMemory, parseMemory } from '../src/memory.ts'

const [alice, bob, mallory] = [1, 2, 3].map(() => createKeyPair().peerId) as [PeerId, PeerId, PeerId]
const always = () => true
const urls = (doors: ReturnType<typeof createDoors>) => doors.all.map(({ url }) => url)

describe('the doors that are remembered', () => {
  it('are those that a peer names now, and no more those that it named before', () => {
    const doors = createDoors([])
    doors.told(alice, ['ws://a/', 'ws://b/'])
    doors.told(bob, ['ws://c/'])
    expect(urls(doors)).toEqual(['ws://c/', 'ws://a/', 'ws://b/'])
    doors.told(alice, ['ws://b/'])
    expect(urls(doors)).toEqual(['ws://b/', 'ws://c/'])
    doors.told(alice, [])
    expect(urls(doors)).toEqual(['ws://c/'])
  })

  it('stay whose they are when another names them too', () => {
    const doors = createDoors([])
    doors.told(alice, ['ws://a/'])
    doors.told(mallory, ['ws://a/'])
    expect(doors.all).toMatchObject([{ url: 'ws://a/', peer: alice }])
    doors.told(mallory, [])
    expect(urls(doors)).toEqual(['ws://a/'])
  })

  it('become a peer’s when a server that was nobody’s turns out to be its door', () => {
    const doors = createDoors([{ url: 'ws://a/', worked: true }])
    doors.told(alice, ['ws://a/'])
    expect(doors.all).toMatchObject([{ url: 'ws://a/', peer: alice, worked: true }])
  })

  it('stay when we were at them, whoever named them and then no longer', () => {
    const doors = createDoors([{ url: 'ws://a/', worked: true }])
    doors.told(mallory, ['ws://a/'])
    doors.told(mallory, [])
    expect(doors.all).toMatchObject([{ url: 'ws://a/', worked: true }])
    expect(doors.all[0]).not.toHaveProperty('peer')
  })

  it('are remembered on a peer’s word only in the one spelling that the next life reads again', () => {
    const doors = createDoors([])
    const misspelt = ['ws://a:80/', 'ws://a:99999/', 'ws://a/./', 'ws://1/', 'ws://[::::]/', 'ws://a..b:1/../', 'wss://a:443/b']
    doors.told(mallory, misspelt)
    expect(parseMemory(encodeMemory({ doors: doors.all, met: [] }))).toBeDefined()
    expect(urls(doors)).toEqual([])
  })

  it('are never on a peer’s word a path on a host that need not prove its name', () => {
    const doors = createDoors([])
    doors.told(mallory, ['ws://192.168.0.1/apply.cgi', 'ws://127.0.0.1:9222/json/new', 'ws://printer/reset', 'ws://[::1]:1/a'])
    expect(urls(doors)).toEqual([])
    doors.told(alice, ['ws://192.168.0.7:6688/', 'wss://door.example/signals'])
    expect(urls(doors)).toEqual(['ws://192.168.0.7:6688/', 'wss://door.example/signals'])
  })

  it(`are at most ${DOORS_MAX}, and at most ${DOORS_UNPROVEN_MAX} that were only told of: the newest`, () => {
    const doors = createDoors([])
    for (let count = 0; count < DOORS_MAX; count++) doors.worked(`ws://worked-${count}/`)
    expect(doors.all).toHaveLength(DOORS_MAX)
    doors.worked('ws://one-more/')
    expect(doors.all).toHaveLength(DOORS_MAX)
    expect(urls(doors)).not.toContain('ws://worked-0/')
    for (let count = 0; count <= DOORS_UNPROVEN_MAX; count++) doors.told(createKeyPair().peerId, [`ws://told-${count}/`])
    expect(doors.all).toHaveLength(DOORS_MAX)
    expect(doors.all.filter(({ worked }) => !worked)).toHaveLength(DOORS_UNPROVEN_MAX)
    expect(urls(doors)).not.toContain('ws://told-0/')
    expect(urls(doors)).toContain('ws://one-more/')
  })

  it('are tried in the order of their merits: those that worked, then those that failed least', () => {
    const doors = createDoors([])
    for (const [peer, url] of [
      [alice, 'ws://a/'],
      [bob, 'ws://b/'],
    ] as const)
      doors.told(peer, [url])
    doors.worked('ws://c/')
    expect(doors.next(0, always)?.url).toBe('ws://c/')
    expect(doors.next(0, ({ peer }) => peer === alice)?.url).toBe('ws://a/')
    doors.failed('ws://b/', { nowMs: 0, fraction: 0 })
    expect(doors.next(DOOR_RETRY_MS_MAX, ({ worked }) => !worked)?.url).toBe('ws://a/')
  })

  it('are let alone after a failure, longer each time, and tried at once after a success', () => {
    const doors = createDoors([{ url: 'ws://a/', worked: false }])
    let nowMs = 0
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      doors.failed('ws://a/', { nowMs, fraction: 0 })
      expect(doors.next(nowMs + pauseMs - 1, always)).toBeUndefined()
      nowMs += pauseMs
      expect(doors.next(nowMs, always)?.url).toBe('ws://a/')
    }
    doors.worked('ws://a/')
    expect(doors.next(0, always)).toMatchObject({ failures: 0 })
  })

  it('keep what they have failed when their peer names them again', () => {
    const doors = createDoors([])
    doors.told(mallory, ['ws://victim/'])
    doors.failed('ws://victim/', { nowMs: 0, fraction: 0.5 })
    doors.told(mallory, ['ws://victim/', 'ws://other/'])
    expect(doors.all.find(({ url }) => url === 'ws://victim/')).toMatchObject({ failures: 1, dueMs: 1_500 })
  })

  it('wait between half and the whole of a pause that doubles up to its bound', () => {
    expect([doorRetryMs(1, 0), doorRetryMs(1, 1), doorRetryMs(2, 1)]).toEqual([
      DOOR_RETRY_MS_MIN / 2,
      DOOR_RETRY_MS_MIN,
      2 * DOOR_RETRY_MS_MIN,
    ])
    for (const failures of [9, 1_000]) expect(doorRetryMs(failures, 1)).toBe(DOOR_RETRY_MS_MAX)
  })
})
