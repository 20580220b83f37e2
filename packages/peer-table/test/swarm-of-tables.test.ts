import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Channel, concatBytes, type PeerId, SwarmError } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { createChannelPair, createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import type { PeerTable } from '../src/index.ts'
import { GATHER_MS, READING_TURN_MS, REQUEST_TIMEOUT_MS } from '../src/limits.ts'
import { createSimulatedTable, encodeRecord, type RecordProof, readEnvelope } from '../src/simulation.ts'
import { parseViewMessage, type ViewMessage } from '../src/view-messages.ts'
import { documentOf } from './documents.ts'
import { keyPairOf, NETWORK } from './tables.ts'

/** No signature, but bytes in its place that differ with what is said, as a digest needs it. */
const unsigned: RecordProof = {
  seal(keyPair, record, network) {
    const payload = encodeRecord(record, network)
    const signature = new Uint8Array(64)
    for (const [at, byte] of payload.entries()) signature[at % 8] = ((signature[at % 8] as number) * 31 + byte) & 0xff
    return concatBytes(keyPair.publicKey, signature, payload)
  },
  read: readEnvelope,
  prove: ({ key }) => key as PublicKey,
}

let runtime: TestRuntime
let tables: PeerTable[]
let told: { from: PeerId; to: PeerId; message: ViewMessage; bytes: number }[]

beforeEach(() => {
  runtime = createTestRuntime()
  tables = []
  told = []
})
afterEach(() => {
  for (const table of tables) table.destroy()
})

async function openTables(count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const keyPair = keyPairOf(2000 + tables.length)
    tables.push(await createSimulatedTable({ keyPair, network: NETWORK, runtime, proof: unsigned }))
  }
}
const tableAt = (at: number) => tables[at] as PeerTable

function link(one: PeerTable, other: PeerTable): readonly [Channel, Channel] {
  const channels = createChannelPair({
    tamper(bytes, from) {
      const message = parseViewMessage(bytes) as ViewMessage
      const [sender, receiver] = from === 'alice' ? [one, other] : [other, one]
      told.push({ from: sender.own.id, to: receiver.own.id, message, bytes: bytes.byteLength })
      return [bytes]
    },
  })
  one.replicate({ channel: channels[0], peer: other.own.id })
  other.replicate({ channel: channels[1], peer: one.own.id })
  return channels
}

/** A ring with chords: everybody has six links. */
async function openSwarm(count: number): Promise<void> {
  await openTables(count)
  for (let at = 0; at < count; at++) for (const hop of [1, 5, 11]) link(tableAt(at), tableAt((at + hop) % count))
  await runtime.clock.advance(20 * READING_TURN_MS)
  for (const table of tables) expect(table.records).toHaveLength(count)
}
const wholeOnes = () =>
  told.flatMap(({ message }) => (message.type === 'changes' ? message.changes : [])).filter((change) => 'envelope' in change)
    .length
const hasNews = (info: unknown) => (table: PeerTable) => table.get(tableAt(7).own.id)?.info === info

describe('forty tables, six links each', () => {
  it('pass a change on over a tree by and by, and the other links only name it', async () => {
    await openSwarm(40)
    told = []
    for (let round = 0; round < 12; round++) {
      await tableAt(7).publish({ info: round })
      await runtime.clock.advance(31_000)
      expect(tables.every(hasNews(round))).toBe(true)
      if (round < 11) told = []
    }
    expect(wholeOnes()).toBeLessThan(1.7 * tables.length)
    const bytes = told.reduce((sum, one) => sum + one.bytes, 0)
    expect(bytes / tables.length).toBeLessThan(800)
  })

  it('mend the tree over the others when its links die', async () => {
    await openSwarm(40)
    for (let round = 0; round < 8; round++) {
      await tableAt(7).publish({ info: round })
      await runtime.clock.advance(31_000)
    }
    // Every fifth table falls silent: its channels swallow what comes.
    for (const [at, table] of tables.entries()) if (at % 5 === 0) table.destroy()
    await tableAt(7).publish({ info: 'mended' })
    await runtime.clock.advance(3 * GATHER_MS)
    expect(tables.filter((_, at) => at % 5 !== 0).every(hasNews('mended'))).toBe(true)
  })
})

describe('a new link', () => {
  it('between two that know the same costs a digest and no list', async () => {
    await openSwarm(40)
    told = []
    link(tableAt(0), tableAt(20))
    await runtime.clock.advance(2 * READING_TURN_MS)
    expect(told.map(({ message }) => message.type).sort()).toEqual(
      ['caughtUp', 'caughtUp', 'done', 'done', 'info', 'info', 'subscribe', 'subscribe'].sort(),
    )
    expect(told.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(200)
  })

  it('of a newcomer to several at once loads the table once', async () => {
    await openSwarm(40)
    await openTables(1)
    const newcomer = tableAt(40)
    told = []
    for (const at of [0, 9, 17, 23, 31]) link(newcomer, tableAt(at))
    await runtime.clock.advance(5 * READING_TURN_MS)
    expect(newcomer.records).toHaveLength(41)
    const toNewcomer = told
      .filter(({ to }) => to === newcomer.own.id)
      .flatMap(({ message }) => (message.type === 'changes' ? message.changes : []))
    expect(toNewcomer.filter((change) => 'envelope' in change).length).toBeLessThan(45)
    const bytesOnItsLinks = told
      .filter(({ from, to }) => newcomer.own.id === from || newcomer.own.id === to)
      .reduce((sum, { bytes }) => sum + bytes, 0)
    expect(bytesOnItsLinks).toBeLessThan(40 * 150 + 5 * 1500)
  })

  it('after a silent one goes on from where that was', async () => {
    await openTables(2)
    const [alice, bob] = [tableAt(0), tableAt(1)]
    const createdMs = runtime.clock.now()
    const documents = Array.from({ length: 40 }, (_, at) => documentOf(keyPairOf(3000 + at), { createdMs }))
    await Promise.all([bob.admit(documents), runtime.clock.advance(100)])
    const [channel] = link(alice, bob)
    await runtime.clock.advance(READING_TURN_MS)
    expect(alice.records).toHaveLength(42)
    channel.abort(new SwarmError('The path died.', { code: 'ERR_PATH_LOST' }))
    await bob.publish({ info: 'meanwhile' })
    // Bob is there again, and says nothing at all: the replication is given up, and the next one goes on.
    const [near] = createChannelPair()
    const silent = alice.replicate({ channel: near, peer: bob.own.id })
    await runtime.clock.advance(REQUEST_TIMEOUT_MS)
    expect(await silent.closed).toMatchObject({ error: { code: 'ERR_TABLE_SILENT' } })
    told = []
    link(alice, bob)
    await runtime.clock.advance(READING_TURN_MS)
    expect(alice.get(bob.own.id)?.info).toBe('meanwhile')
    const subscriptions = told.flatMap(({ message }) => (message.type === 'subscribe' ? [message.since] : []))
    expect(subscriptions.every((since) => since > 0)).toBe(true)
    const toAlice = told.filter(({ to }) => to === alice.own.id)
    const places = toAlice.flatMap(({ message }) => (message.type === 'changes' ? message.changes.map(({ step }) => step) : []))
    expect(places.length).toBeLessThanOrEqual(2) // of 42; what bob had of alice lies behind the place too
  })
})

describe('links of a record', () => {
  it('show whom the table knows, and the others once it does', async () => {
    await openTables(3)
    const [alice, bob, carol] = [tableAt(0), tableAt(1), tableAt(2)]
    await alice.publish({
      links: [
        { key: bob.own.id, rttMs: 1 },
        { key: carol.own.id, rttMs: 2 },
      ],
    })
    link(alice, bob)
    await runtime.clock.advance(READING_TURN_MS)
    const record = bob.get(alice.own.id)
    expect(record?.links).toEqual([{ key: bob.own.id, rttMs: 1 }])
    link(carol, bob)
    await runtime.clock.advance(READING_TURN_MS)
    expect(record?.links.map(({ key }) => key).sort()).toEqual([bob.own.id, carol.own.id].sort())
    expect(JSON.parse(JSON.stringify(record))).toMatchObject({ links: [{}, {}] })
  })
})
