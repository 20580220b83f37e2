import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { TOLD_TIME_MS_MAX, TOLD_TIMES_MAX } from '../src/limits.ts'
import { believableOffset, chooseOffset, createToldTimes } from '../src/told-time.ts'

describe('what others say about the time', () => {
  it('is not believed when nobody can live then', () => {
    const nowMs = 1_800_000_000_000
    expect(believableOffset(TOLD_TIME_MS_MAX - nowMs, nowMs)).toBe(TOLD_TIME_MS_MAX - nowMs)
    expect(believableOffset(TOLD_TIME_MS_MAX - nowMs + 1, nowMs)).toBeUndefined()
    expect(believableOffset(-nowMs, nowMs)).toBe(-nowMs)
    expect(believableOffset(-nowMs - 1, nowMs)).toBeUndefined()
    expect(believableOffset(undefined, nowMs)).toBeUndefined()
  })

  it('is the median of the newest, so one that lies does not decide', () => {
    const told = createToldTimes()
    expect(told.offsetMs).toBeUndefined()
    const [alice, bob, mallory] = ['rs1alice', 'rs1bob', 'rs1mallory'] as [PeerId, PeerId, PeerId]
    told.add(mallory, 9_000_000)
    told.add(alice, 10)
    told.add(bob, 20)
    expect(told.offsetMs).toBe(20)
    for (let count = 0; count < TOLD_TIMES_MAX; count++) told.add(`rs1${count}` as PeerId, -5)
    expect(told.offsetMs).toBe(-5)
  })

  it('is said once by each peer, however often it comes', () => {
    const told = createToldTimes()
    told.add('rs1alice' as PeerId, 10)
    told.add('rs1bob' as PeerId, 20)
    for (let count = 0; count < TOLD_TIMES_MAX; count++) told.add('rs1mallory' as PeerId, 9_000_000)
    expect(told.offsetMs).toBe(20)
  })

  it('counts for more from named servers than from peers, and from a door only where nobody else has said anything', () => {
    const clockMs = 1_800_000_000_000
    const byDoor = 73 * 365 * 86_400_000 // mallory's
    expect(chooseOffset({ byServers: 10, byPeers: 20, byDoor }, clockMs)).toBe(10)
    expect(chooseOffset({ byServers: undefined, byPeers: 20, byDoor }, clockMs)).toBe(20)
    expect(chooseOffset({ byServers: TOLD_TIME_MS_MAX, byPeers: 20, byDoor }, clockMs)).toBe(20)
    expect(chooseOffset({ byServers: undefined, byPeers: undefined, byDoor }, clockMs)).toBe(byDoor)
    expect(chooseOffset({ byServers: undefined, byPeers: undefined, byDoor: TOLD_TIME_MS_MAX }, clockMs)).toBe(0)
    expect(chooseOffset({ byServers: undefined, byPeers: undefined, byDoor: undefined }, clockMs)).toBe(0)
  })
})
