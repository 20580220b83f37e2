import { afterEach, describe, expect, it } from '@jest/globals'
import { createRuntime, SwarmError } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { createPeerTable, type PeerRecord, REPLICATION_END } from '../src/index.ts'
import { FULL_FEED_BELOW_RECORDS, INTRODUCED_RECORDS_MAX } from '../src/limits.ts'
import { parseViewMessage } from '../src/view-messages.ts'
import { documentOf } from './documents.ts'
import { connect, keyPairOf, NETWORK, type OpenTable, openTable, whenRecord } from './tables.ts'

const open: OpenTable[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ table }) => table.close()))
})
async function openTables(...numbers: number[]): Promise<OpenTable[]> {
  const tables = await Promise.all(numbers.map((number) => openTable(number)))
  open.push(...tables)
  return tables
}
const is =
  ({ keyPair }: OpenTable, info?: unknown) =>
  (record: PeerRecord): boolean =>
    record.id === keyPair.peerId && (info === undefined || record.info === info)
const has = (one: OpenTable, other: OpenTable, info?: unknown) => whenRecord(one, is(other, info))
const idsOf = ({ table }: OpenTable) => table.records.map(({ id }) => id).sort()

describe('two tables over one channel', () => {
  it('learn each other, and what changes, both ways', async () => {
    const [alice, bob] = (await openTables(1, 2)) as [OpenTable, OpenTable]
    connect(alice, bob)
    await Promise.all([has(alice, bob), has(bob, alice)])
    await alice.table.publish({ info: 'from alice', relay: true, links: [{ key: bob.keyPair.peerId, rttMs: 12.34 }] })
    await bob.table.publish({ info: 'from bob' })
    expect(await has(bob, alice, 'from alice')).toMatchObject({ relay: true, links: [{ key: bob.keyPair.peerId, rttMs: 12.3 }] })
    expect(await has(alice, bob, 'from bob')).toMatchObject({ seq: 2, left: false })
    await settle()
    for (const { table } of [alice, bob]) {
      expect((await table.db.allDocs()).rows.map(({ id }) => id)).toEqual(idsOf(alice).map((id) => `peer:${id}`))
    }
  })

  it('learn each other within 15 ms, once PouchDB is warm', async () => {
    const took: number[] = []
    for (let round = 0; round < 8; round++) {
      const [alice, bob] = (await openTables(100 + round, 200 + round)) as [OpenTable, OpenTable]
      const startMs = performance.now()
      connect(alice, bob)
      await Promise.all([has(alice, bob), has(bob, alice)])
      took.push(performance.now() - startMs)
    }
    expect(Math.min(...took)).toBeLessThanOrEqual(15)
  })

  it('send a live change once, with its record, and one short word back', async () => {
    const [alice, bob] = (await openTables(1, 2)) as [OpenTable, OpenTable]
    const sent: [string, string | undefined, number][] = []
    connect(alice, bob, {
      tamper(message, from) {
        sent.push([from, parseViewMessage(message)?.type, message.byteLength])
        return [message]
      },
    })
    await Promise.all([has(alice, bob), has(bob, alice)])
    await new Promise((resolve) => setTimeout(resolve, 50))
    sent.length = 0
    await alice.table.publish({ info: 'x'.repeat(100) })
    await has(bob, alice, 'x'.repeat(100))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(sent.map(([from, type]) => [from, type])).toEqual([
      ['alice', 'changes'],
      ['bob', 'done'],
    ])
    expect(sent.reduce((sum, [, , bytes]) => sum + bytes, 0)).toBeLessThan(100 + 400)
  })

  it('go on where they were after the channel died', async () => {
    const [alice, bob] = (await openTables(1, 2)) as [OpenTable, OpenTable]
    await bob.table.admit(Array.from({ length: 30 }, (_, number) => documentOf(keyPairOf(500 + number))))
    const first = connect(alice, bob)
    await Promise.all([has(alice, bob), has(bob, alice), whenRecord(alice, () => alice.table.records.length === 32)])
    await new Promise((resolve) => setTimeout(resolve, 50))
    const lost = new SwarmError('The path died.', { code: 'ERR_PATH_LOST' })
    first.channels[0].abort(lost)
    expect(await first.near.closed).toMatchObject({ by: 'us', error: lost })
    expect(await first.far.closed).toMatchObject({ by: 'peer', error: { code: 'ERR_CHANNEL_LOST' } })
    await bob.table.publish({ info: 'meanwhile' })
    const places: number[] = []
    connect(alice, bob, {
      tamper(message, from) {
        const parsed = parseViewMessage(message)
        if (from === 'bob' && parsed?.type === 'changes') places.push(...parsed.changes.map(({ step }) => step))
        return [message]
      },
    })
    await has(alice, bob, 'meanwhile')
    // What bob said of itself since, once or twice, and none of the thirty again.
    expect(places.length).toBeGreaterThan(0)
    expect(places.length).toBeLessThanOrEqual(2)
  })

  it('ask for the records that were not pushed along', async () => {
    const [alice, bob] = (await openTables(1, 2)) as [OpenTable, OpenTable]
    const both = Array.from({ length: FULL_FEED_BELOW_RECORDS }, (_, number) => documentOf(keyPairOf(500 + number)))
    const onlyBob = Array.from({ length: 5 }, (_, number) => documentOf(keyPairOf(600 + number)))
    await alice.table.admit(both)
    await bob.table.admit([...both, ...onlyBob])
    const asked: number[] = []
    const pushed: string[] = []
    connect(alice, bob, {
      tamper(message, from) {
        const parsed = parseViewMessage(message)
        if (parsed?.type === 'bulkGet' && from === 'alice') asked.push(parsed.names.length)
        if (parsed?.type === 'changes' && from === 'bob')
          pushed.push(...parsed.changes.map((change) => ('envelope' in change ? 'whole' : 'by name')))
        return [message]
      },
    })
    await Promise.all([whenRecord(alice, () => alice.table.records.length === both.length + onlyBob.length + 2), has(bob, alice)])
    expect(asked.reduce((sum, count) => sum + count, 0)).toBe(onlyBob.length + 1)
    expect(pushed).not.toContain('whole')
    expect(idsOf(alice)).toEqual(idsOf(bob))
  })

  it(`replicate ${INTRODUCED_RECORDS_MAX} records in frames that fit and windows that hold`, async () => {
    const [alice, bob] = (await openTables(1, 2)) as [OpenTable, OpenTable]
    const many = Array.from({ length: INTRODUCED_RECORDS_MAX + 40 }, (_, number) =>
      documentOf(keyPairOf(3000 + number), { info: 'x'.repeat(400) }),
    )
    await bob.table.admit(many)
    connect(alice, bob, { highWaterBytes: 1000 })
    await whenRecord(alice, () => alice.table.records.length === INTRODUCED_RECORDS_MAX + 2)
    // What is over the quota was refused, and the replication lives on.
    await bob.table.publish({ info: 'still there' })
    await has(alice, bob, 'still there')
    expect(alice.table.records).toHaveLength(INTRODUCED_RECORDS_MAX + 2)
  })
})

describe('three tables in a line', () => {
  it('all know all, live, and nothing is sent back where it came from', async () => {
    const [alice, bob, carol] = (await openTables(1, 2, 3)) as [OpenTable, OpenTable, OpenTable]
    let toBob = 0
    connect(alice, bob)
    connect(carol, bob, {
      tamper(message, from) {
        const parsed = parseViewMessage(message)
        if (from === 'alice' && parsed?.type === 'changes') toBob += parsed.changes.length
        return [message]
      },
    })
    await Promise.all([has(alice, carol), has(carol, alice), has(bob, alice), has(bob, carol)])
    await alice.table.publish({ info: 'over two hops' })
    await has(carol, alice, 'over two hops')
    expect(idsOf(alice)).toEqual(idsOf(carol))
    expect(toBob).toBe(1)
  })

  it('say who introduced whom', async () => {
    const [alice, bob, carol] = (await openTables(1, 2, 3)) as [OpenTable, OpenTable, OpenTable]
    const told = new Map<string, string | undefined>()
    carol.table.onRecord = ({ id }, introducer) => told.set(id, introducer)
    connect(alice, bob)
    await has(bob, alice)
    connect(bob, carol)
    await has(carol, alice)
    expect(told.get(alice.keyPair.peerId)).toBe(bob.keyPair.peerId)
    expect(told.get(bob.keyPair.peerId)).toBe(bob.keyPair.peerId)
  })
})

describe('a node that lost its counter', () => {
  it('learns its newest record from the swarm and continues above it', async () => {
    const [bob, carol] = (await openTables(2, 3)) as [OpenTable, OpenTable]
    connect(bob, carol)
    const before = await openTable(1)
    const first = connect(before, bob)
    await has(carol, before)
    for (const info of ['a', 'b', 'c']) await before.table.publish({ info })
    await new Promise((resolve) => setTimeout(resolve, 30))
    before.table.destroy()
    await first.far.closed
    const seq = bob.table.get(before.keyPair.peerId)?.seq ?? 0
    expect(seq).toBeGreaterThan(1)

    const [alice] = (await openTables(1)) as [OpenTable]
    expect(alice.table.own.seq).toBe(1)
    await alice.table.publish({ info: 'new life' })
    connect(alice, bob)
    await has(carol, alice, 'new life')
    expect(alice.table.own.seq).toBe(seq + 1)
    expect(carol.table.get(alice.keyPair.peerId)?.seq).toBe(seq + 1)
    expect([...carol.table.forked, ...bob.table.forked]).toEqual([])
  })

  it('does so too when its first record has the very seq of the old one', async () => {
    const [bob] = (await openTables(2)) as [OpenTable]
    await bob.table.admit([documentOf(keyPairOf(1), { info: 'old life', createdMs: Date.now() - 1000 })])
    const [alice] = (await openTables(1)) as [OpenTable]
    connect(alice, bob)
    await whenRecord(bob, (record) => record.id === alice.keyPair.peerId && record.seq === 2)
    expect(alice.table.own).toMatchObject({ seq: 2, links: [] })
  })
})

describe('the end', () => {
  it('says left to everybody, in the moment it has', async () => {
    const [alice, bob, carol] = (await openTables(1, 2, 3)) as [OpenTable, OpenTable, OpenTable]
    connect(alice, bob)
    connect(bob, carol)
    await has(carol, alice)
    await alice.table.publish({ links: [{ key: bob.keyPair.peerId, rttMs: 1 }] })
    const startMs = performance.now()
    await alice.table.close()
    expect(performance.now() - startMs).toBeLessThan(1000)
    expect(bob.table.get(alice.keyPair.peerId)).toMatchObject({ left: true, links: [] })
    await whenRecord(carol, (record) => record.id === alice.keyPair.peerId && record.left)
  })

  it('leaves no timer, whether closed or destroyed, and says so afterwards', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const runtime = createTestRuntime({ startMs: Date.now() })
      const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length
      const alice = await openTable(1, runtime)
      const bob = await openTable(2, runtime)
      const { near, far } = connect(alice, bob)
      await Promise.all([has(alice, bob), has(bob, alice)])
      await alice.table.publish({ info: 'x' })
      await settle()
      expect(runtime.clock.pending).toBeGreaterThan(0)
      await alice.table[end]()
      await alice.table.close()
      await bob.table[end]()
      await Promise.all([near.closed, far.closed, bob.table.close()])
      await settle()
      expect(runtime.clock.pending).toBe(0)
      expect(
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length,
      ).toBeLessThanOrEqual(timers)
      await expect(alice.table.publish({ info: 'y' })).rejects.toMatchObject({ code: 'ERR_TABLE_CLOSED' })
      expect(() => alice.table.replicate({ channel: createChannelPair()[0], peer: bob.keyPair.peerId })).toThrow(SwarmError)
      expect(runtime.lines.filter((line) => line.startsWith('warn'))).toEqual([])
    }
  })

  it('is not held up by a peer that takes nothing', async () => {
    const runtime = createTestRuntime({ startMs: Date.now() })
    const alice = await openTable(1, runtime)
    alice.table.replicate({ channel: createChannelPair()[0], peer: keyPairOf(2).peerId })
    let closed = false
    const closing = alice.table.close().then(() => {
      closed = true
    })
    for (let elapsedMs = 0; !closed && elapsedMs < 1000; elapsedMs += 50) await runtime.clock.advance(50)
    await closing
    expect(runtime.clock.pending).toBe(0)
  })

  it('of one replication is the end of both sides, and of nothing else', async () => {
    const [alice, bob] = (await openTables(1, 2)) as [OpenTable, OpenTable]
    const { near, far } = connect(alice, bob)
    await Promise.all([has(alice, bob), has(bob, alice)])
    await near.close()
    expect(await near.closed).toEqual({ by: 'us', code: REPLICATION_END.finished })
    expect(await far.closed).toEqual({ by: 'peer', code: REPLICATION_END.finished })
    connect(alice, bob)
    await bob.table.publish({ info: 'again' })
    await has(alice, bob, 'again')
  })
})

describe('options', () => {
  it('are checked by name', async () => {
    const runtime = createRuntime()
    const keyPair = keyPairOf(1)
    await expect(createPeerTable({ keyPair, runtime, network: '' })).rejects.toThrow(RangeError)
    await expect(createPeerTable({ keyPair, runtime, network: 'n'.repeat(65) })).rejects.toThrow(RangeError)
    await expect(createPeerTable({ keyPair, runtime, network: NETWORK, place: 'x' } as never)).rejects.toThrow('place')
  })

  it('of a channel too narrow for a record are refused', async () => {
    const [alice] = (await openTables(1)) as [OpenTable]
    const [channel] = createChannelPair({ maxMessageBytes: 4096 })
    expect(() => alice.table.replicate({ channel, peer: keyPairOf(2).peerId })).toThrow(RangeError)
  })
})
