import { describe, expect, it } from '@jest/globals'
import type { PeerId } from '@resilient-swarm/contract'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { createKeptSharers } from '../src/kept-sharers.ts'
import { SHARERS_KEPT_MAX, SHARERS_KEPT_SHARE } from '../src/limits.ts'
import { createUseWatch } from '../src/use-watch.ts'

const clock = createVirtualClock()
const people = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ publicKey: `peer ${index}` as PeerId, use: createUseWatch(clock) }))
const used = (peers: ReturnType<typeof people>) => peers.map(({ use }) => use.idleMs === 0)

describe('links that are kept for a shared database', () => {
  it(`are those of the first ${SHARERS_KEPT_MAX}, and the next one takes a place that is free again`, async () => {
    const kept = createKeptSharers({ peersMax: 64 })
    const peers = people(SHARERS_KEPT_MAX + 1)
    const ends = peers.map((peer) => kept.add('notes', peer))
    expect(used(peers)).toEqual([...Array(SHARERS_KEPT_MAX).fill(true), false])
    expect(kept.room('notes')).toBe(0)
    expect(kept.room('other')).toBe(SHARERS_KEPT_MAX)
    ends[0]?.()
    ends[0]?.()
    await clock.advance(1)
    expect(used(peers)).toEqual([false, ...Array(SHARERS_KEPT_MAX).fill(true)])
  })

  it('leave the others of a small node alone, whatever the number of databases', () => {
    const kept = createKeptSharers({ peersMax: 3 * SHARERS_KEPT_SHARE })
    const peers = people(4)
    for (const peer of peers) kept.add('notes', peer)
    expect(used(peers)).toEqual([true, true, true, false])
    expect(kept.room('other')).toBe(0)
    // One that is kept for one database costs no place for another.
    const end = kept.add('other', peers[0] as (typeof peers)[0])
    end()
    expect(used(peers)).toEqual([true, true, true, false])
  })

  it('are used until the last database over them ends', async () => {
    const kept = createKeptSharers({ peersMax: 1 })
    const [peer] = people(1) as [ReturnType<typeof people>[0]]
    const ends = [kept.add('notes', peer), kept.add('other', peer)]
    ends[0]?.()
    await clock.advance(60_000)
    expect(peer.use.idleMs).toBe(0)
    ends[1]?.()
    await clock.advance(60_000)
    expect(peer.use.idleMs).toBe(60_000)
  })
})
