import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import type { PeerRecord } from '../src/index.ts'
import {
  FIRST_LINKS_GATHER_MS,
  INFO_BYTES_MAX,
  LINKS_MAX,
  PUBLISH_BURST,
  PUBLISH_INTERVAL_MS,
  RECORD_LIFETIME_MS,
  SEQ_MAX,
  SMALL_SWARM_RECORDS,
} from '../src/limits.ts'
import { createOwnRecord, type OwnRecord } from '../src/own-record.ts'
import type { SwarmSize } from '../src/publish-policy.ts'
import { keyPairOf } from './tables.ts'

const keyPair = keyPairOf(1)
const bob = keyPairOf(2).peerId
let runtime: TestRuntime
let scope: Scope
let out: PeerRecord[]
let own: OwnRecord
let size: SwarmSize

beforeEach(() => {
  runtime = createTestRuntime()
  scope = new Scope()
  out = []
  size = { known: 2, told: 2 }
  own = create(0)
})
afterEach(() => scope.close())

function create(seq: number): OwnRecord {
  const put = async (record: PeerRecord): Promise<void> => void out.push(record)
  return createOwnRecord({ keyPair, runtime, scope, nowMs: runtime.clock.now, swarmSize: () => size, seq, put })
}
const seqs = () => out.map(({ seq }) => seq)

describe('our own record', () => {
  it('begins at 1, or above what our database knew', async () => {
    await own.publish()
    await create(41).publish()
    expect(out).toMatchObject([
      { seq: 1, id: keyPair.peerId, links: [], relay: false, left: false, createdMs: runtime.clock.now() },
      { seq: 42 },
    ])
    expect(out[0]).not.toHaveProperty('info')
  })

  it('goes out at once, gathers what comes in the same moment, and not at all when nothing changed', async () => {
    await own.publish()
    await runtime.clock.advance(1000)
    await own.change({ info: 'a' })
    expect(seqs()).toEqual([1, 2])
    await Promise.all([
      own.change({ info: 'b' }),
      own.change({ relay: true }),
      own.change({ links: [{ key: bob, rttMs: 1.04 }] }),
    ])
    expect(seqs()).toEqual([1, 2])
    await runtime.clock.advance(1000)
    expect(out[2]).toMatchObject({ seq: 3, info: 'b', relay: true, links: [{ key: bob, rttMs: 1 }] })
    await own.change({ info: 'b', links: [{ key: bob, rttMs: 1.01 }] })
    await runtime.clock.advance(PUBLISH_INTERVAL_MS)
    expect(seqs()).toEqual([1, 2, 3])
  })

  it('is damped to one in half a minute once the first ones are out', async () => {
    await own.publish()
    for (let count = 1; count < 20; count++) {
      await own.change({ info: count })
      await runtime.clock.advance(100)
    }
    expect(out).toHaveLength(PUBLISH_BURST)
    await runtime.clock.advance(PUBLISH_INTERVAL_MS)
    expect(out).toHaveLength(PUBLISH_BURST + 1)
    expect(out.at(-1)?.info).toBe(19)
  })

  it('is published again before it expires, for as long as we live', async () => {
    await own.publish()
    await runtime.clock.advance(4 * RECORD_LIFETIME_MS)
    expect(out.length).toBeGreaterThanOrEqual(6)
    for (const [at, record] of out.entries()) {
      if (at > 0) expect(record.createdMs).toBeLessThan((out[at - 1] as PeerRecord).expiresMs - RECORD_LIFETIME_MS / 3)
    }
  })

  it('gathers its first links where the swarm is large, and tells no other change of them but most at once', async () => {
    const linksTo = (...numbers: number[]) => numbers.map((number) => ({ key: keyPairOf(number).peerId, rttMs: 1 }))
    await own.publish()
    size = { known: 2, told: SMALL_SWARM_RECORDS + 1 }
    for (const count of [1, 2, 3, 4]) {
      await own.change({ links: linksTo(...[11, 12, 13, 14].slice(0, count)) })
      await runtime.clock.advance(FIRST_LINKS_GATHER_MS / 4 - 1)
    }
    expect(seqs()).toEqual([1])
    await runtime.clock.advance(4)
    expect(out.at(-1)).toMatchObject({ seq: 2, links: { length: 4 } })
    size = { known: SMALL_SWARM_RECORDS + 1, told: 0 }
    await own.change({ links: linksTo(11, 12, 13, 15) })
    await runtime.clock.advance(2 * PUBLISH_INTERVAL_MS)
    await own.change({ links: linksTo(11, 12, 13, 14, 15, 16) })
    await runtime.clock.advance(2 * PUBLISH_INTERVAL_MS)
    expect(seqs()).toEqual([1, 2])
    await own.change({ links: linksTo(11, 15, 16, 17) })
    expect(out.at(-1)).toMatchObject({ seq: 3, links: { length: 4 } })
    await own.change({ links: linksTo(21, 22, 23) })
    await runtime.clock.advance(PUBLISH_INTERVAL_MS - 1)
    expect(out).toHaveLength(3)
    await own.change({ relay: true })
    expect(out.at(-1)).toMatchObject({ seq: 4, relay: true, links: { length: 3 } })
    await own.change({ links: linksTo(21, 22) })
    await runtime.clock.advance(RECORD_LIFETIME_MS)
    expect(out.at(-1)).toMatchObject({ links: { length: 2 } })
  })

  it('continues above what the swarm knows of us, once', async () => {
    await own.publish()
    await runtime.clock.advance(1000)
    await own.continueAbove(7)
    await own.continueAbove(7)
    await own.continueAbove(3)
    expect(seqs()).toEqual([1, 8])
  })

  it('is not made to speak faster by who plays back its earlier life', async () => {
    await own.publish()
    for (let seq = 2; seq < 200; seq++) await own.continueAbove(seq)
    await runtime.clock.advance(1000)
    for (let seq = 200; seq < 300; seq++) await own.continueAbove(seq)
    await runtime.clock.advance(1000)
    expect(seqs()).toEqual([1, 200, 201, 300])
    for (let seq = 300; seq < 400; seq++) {
      await own.continueAbove(seq)
      await runtime.clock.advance(50)
    }
    expect(out).toHaveLength(PUBLISH_BURST)
  })

  it('never ends before the record that it replaces, though the clock went back', async () => {
    let nowMs = 1_700_000_000_000
    const put = async (record: PeerRecord): Promise<void> => void out.push(record)
    own = createOwnRecord({ keyPair, runtime, scope, nowMs: () => nowMs, swarmSize: () => size, seq: 0, put })
    await own.publish()
    nowMs -= 4 * 60_000
    await own.leave()
    expect(out[1]).toMatchObject({ seq: 2, createdMs: nowMs, expiresMs: out[0]?.expiresMs })
  })

  it('stops with a word when its numbers are used up', async () => {
    own = create(SEQ_MAX - 1)
    await own.publish()
    await own.publish()
    expect(seqs()).toEqual([SEQ_MAX])
    expect(runtime.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1)
  })

  it('says left last, without links, and nothing after it', async () => {
    await own.publish()
    await own.change({ links: [{ key: bob, rttMs: 1 }] })
    await own.leave()
    await own.leave()
    await own.continueAbove(99)
    await runtime.clock.advance(2 * RECORD_LIFETIME_MS)
    expect(out.at(-1)).toMatchObject({ left: true, links: [] })
    expect(seqs()).toEqual([1, 2])
  })

  it("refuses the caller's mistakes by name", async () => {
    const links = (count: number) => Array.from({ length: count }, (_, at) => ({ key: keyPairOf(100 + at).peerId, rttMs: 1 }))
    await own.change({ links: links(LINKS_MAX) })
    await expect(own.change({ links: links(LINKS_MAX + 1) })).rejects.toThrow(RangeError)
    await expect(own.change({ links: [...links(1), ...links(1)] })).rejects.toThrow(TypeError)
    await expect(own.change({ links: [{ key: keyPair.peerId, rttMs: 1 }] })).rejects.toThrow(TypeError)
    await expect(own.change({ links: [{ key: 'rs1nobody' as PeerId, rttMs: 1 }] })).rejects.toThrow(TypeError)
    for (const rttMs of [-1, Number.NaN]) await expect(own.change({ links: [{ key: bob, rttMs }] })).rejects.toThrow(RangeError)
    await expect(own.change({ relay: 1 as never })).rejects.toThrow(TypeError)
    await expect(own.change({ info: 'x'.repeat(INFO_BYTES_MAX) })).rejects.toThrow(RangeError)
    await expect(own.change({ seq: 3 } as never)).rejects.toThrow('seq')
  })

  it('keeps a copy of info that the caller may change afterwards', async () => {
    const info = { name: 'alice' }
    await own.change({ info })
    info.name = 'mallory'
    expect(out[0]?.info).toEqual({ name: 'alice' })
  })
})
