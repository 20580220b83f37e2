import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { concatBytes, encodeHex, encodeVarint, utf8 } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import { createTestRuntime, settle, type TestRuntime } from '@resilient-swarm/testkit'
import { REPLICATION_END } from '../src/index.ts'
import {
  CLOCK_SKEW_MS,
  FORGED_RECORDS_MAX,
  FORGET_AFTER_MS,
  READING_TURN_MS,
  REQUEST_TIMEOUT_MS,
  SEQ_MAX,
} from '../src/limits.ts'
import { encodeRecord } from '../src/peer-record.ts'
import { sealRecord } from '../src/record-envelope.ts'
import { shortNameOf } from '../src/short-name.ts'
import { encodeViewMessage } from '../src/view-messages.ts'
import { documentOf, envelopeBy, LIFETIME_MS, recordOf } from './documents.ts'
import { connectMallory, type Mallory } from './mallory.ts'
import { print } from './print.ts'
import { keyPairOf, NETWORK, type OpenTable, openTable } from './tables.ts'

const STALL_MS_MAX = 50
const mallory = keyPairOf(666)
const victim = keyPairOf(667)
const START_MS = 1_700_000_000_000

let runtime: TestRuntime
let alice: OpenTable
let peer: Mallory

beforeEach(async () => {
  runtime = createTestRuntime({ startMs: START_MS })
  alice = await openTable(1, runtime)
  peer = connectMallory(alice, mallory.peerId)
})
afterEach(async () => {
  alice.table.destroy()
  await alice.table.close()
})

const at = (change: object = {}) => ({ createdMs: START_MS, expiresMs: START_MS + LIFETIME_MS, ...change })
const sealed = (keyPair: KeyPair, change: object = {}, network = NETWORK) =>
  sealRecord(keyPair, recordOf(keyPair, at(change)), network)
const payloadOf = (keyPair: KeyPair, change: object = {}) => encodeRecord(recordOf(keyPair, at(change)), NETWORK)
const signed = (keyPair: KeyPair, payload: Uint8Array) => envelopeBy({ author: keyPair, payload })
/** Everything before the seq, and everything behind a seq of one byte. */
const head = concatBytes(encodeVarint(1), encodeVarint(NETWORK.length), utf8(NETWORK))
const withInfo = (text: string) => {
  const payload = payloadOf(mallory, { info: 1 })
  return concatBytes(payload.subarray(0, -3), encodeVarint(text.length), utf8(text), Uint8Array.of(0))
}

/** Envelopes that no table may take, each rightly signed where nothing else is said. */
const BAD: Record<string, () => Uint8Array> = {
  "another author's signature": () => envelopeBy({ author: victim, signer: mallory, payload: payloadOf(victim, { seq: 9 }) }),
  'a signature for another domain': () => envelopeBy({ author: mallory, domain: 'rs/1/register', payload: payloadOf(mallory) }),
  'a flipped bit': () => sealed(mallory).map((byte, place) => (place === 100 ? byte ^ 1 : byte)),
  'another network': () => sealed(mallory, {}, 'other'),
  'a rolled-back seq': () => sealed(victim, { seq: 4 }),
  'an expired record': () => sealed(mallory, { createdMs: START_MS - LIFETIME_MS - 1, expiresMs: START_MS }),
  'a record of the future': () => sealed(mallory, { createdMs: START_MS + CLOCK_SKEW_MS + 60_000 }),
  'a record for ten years': () => sealed(mallory, { expiresMs: START_MS + 3650 * FORGET_AFTER_MS }),
  'seq 0': () => sealed(mallory, { seq: 0 }),
  'seq 2^53': () =>
    signed(
      mallory,
      concatBytes(
        head,
        Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10),
        payloadOf(mallory).subarray(head.byteLength + 1),
      ),
    ),
  'a seq in a longer spelling': () =>
    signed(mallory, concatBytes(head, Uint8Array.of(0x81, 0), payloadOf(mallory).subarray(head.byteLength + 1))),
  'a name given twice in info': () => signed(mallory, withInfo('{"a":1,"a":2}')),
  'a spaced info': () => signed(mallory, withInfo('{ "a":1}')),
  'an info of a deep nest': () => signed(mallory, withInfo('['.repeat(40) + ']'.repeat(40))),
  'bytes behind the record': () => signed(mallory, concatBytes(payloadOf(mallory), Uint8Array.of(0))),
  'a record cut short': () => signed(mallory, payloadOf(mallory).slice(0, -1)),
  'a link to itself': () => signed(mallory, concatBytes(payloadOf(mallory).slice(0, -1), Uint8Array.of(1), mallory.publicKey)),
  'a key of small order': () =>
    concatBytes(new Uint8Array(32), mallory.sign('rs/1/record', payloadOf(mallory)), payloadOf(mallory)),
  'a key that is no point': () =>
    concatBytes(new Uint8Array(32).fill(255), mallory.sign('rs/1/record', payloadOf(mallory)), payloadOf(mallory)),
}

/** Says who it is, and waits to be asked: nothing may be told before. */
async function begin(one: Mallory): Promise<void> {
  one.tellInfo()
  // Whoever reads a whole table has its turn first; another one waits for it to be over.
  for (let ms = 0; ms <= READING_TURN_MS && !one.received.some(({ type }) => type === 'subscribe'); ms += 5)
    await runtime.clock.advance(5)
}
async function untilStored(count = peer.feedSeq): Promise<void> {
  for (let round = 0; round < 400 && peer.doneSeq < count && peer.end === undefined; round++) await runtime.clock.advance(5)
}
const stored = async (keyPair: KeyPair) =>
  JSON.stringify(await alice.table.db.get(`peer:${keyPair.peerId}`, { revs: true, conflicts: true }).catch(() => 'none'))

describe('a feed of good and bad records', () => {
  it(`loses the ${Object.keys(BAD).length} bad ones, keeps each of their neighbours, and leaves the victim as it was`, async () => {
    await alice.table.admit([documentOf(victim, at({ seq: 5, info: 'the victim' }))], { introducer: victim.peerId })
    const before = await stored(victim)
    const known = alice.table.get(victim.peerId)
    await begin(peer)
    const good = Object.keys(BAD).map((_, number) => [keyPairOf(2000 + 2 * number), keyPairOf(2001 + 2 * number)] as const)
    let longestMs = 0
    for (const [number, make] of Object.values(BAD).entries()) {
      const [one, other] = good[number] as readonly [KeyPair, KeyPair]
      const envelopes = [sealed(one), make(), sealed(other)]
      // One message: the bad one stands between its neighbours in one batch.
      const cpu = process.cpuUsage()
      peer.tellAll(envelopes)
      await untilStored()
      const { user, system } = process.cpuUsage(cpu)
      if (number > 0) longestMs = Math.max(longestMs, (user + system) / 1000)
    }
    expect(peer.end).toBeUndefined()
    for (const [number, pair] of good.entries()) {
      const here = pair.map(({ peerId }) => alice.table.get(peerId)?.seq)
      expect({ around: Object.keys(BAD)[number], here }).toEqual({ around: Object.keys(BAD)[number], here: [1, 1] })
      for (const one of pair) expect(await stored(one)).not.toBe('"none"')
    }
    expect(await stored(victim)).toBe(before)
    expect(alice.table.get(victim.peerId)).toEqual(known)
    expect(alice.table.get(mallory.peerId)).toBeUndefined()
    expect((await alice.table.db.info()).doc_count).toBe(2 + 2 * good.length)
    print(`hostile feed: the dearest batch took ${longestMs.toFixed(1)} ms of CPU, all turns together`)
  })

  it('none of whose records, at its largest, takes a turn of more than a few milliseconds', async () => {
    const envelopes = Object.values(BAD).map((make) => make())
    let longestMs = 0
    for (const envelope of envelopes) {
      const times = [0, 1, 2].map(() => {
        const cpu = process.cpuUsage()
        void alice.table.admit([{ _id: 'peer:x', _rev: '1-x', envelope: Buffer.from(envelope).toString('base64url') }])
        const { user, system } = process.cpuUsage(cpu)
        return (user + system) / 1000
      })
      longestMs = Math.max(longestMs, Math.min(...times))
      await settle()
    }
    print(`hostile documents: the dearest took ${longestMs.toFixed(2)} ms of CPU`)
    expect(longestMs).toBeLessThan(STALL_MS_MAX)
  })

  it('keeps what came before an error in the middle of it', async () => {
    await begin(peer)
    const [one, other] = [keyPairOf(2000), keyPairOf(2001)]
    peer.tellAll([sealed(one)])
    await untilStored()
    peer.tellAll([sealed(other)])
    peer.channel.send(Uint8Array.of(3, 1, 0xff))
    await runtime.clock.advance(10)
    expect(peer.end).toBe(REPLICATION_END.malformed)
    expect(await stored(one)).not.toBe('"none"')
    // What was on its way is stored or not, but never by halves.
    expect((await stored(other)) !== '"none"').toBe(alice.table.get(other.peerId) !== undefined)
  })

  it('that was cut by an error goes on with the next replication', async () => {
    await begin(peer)
    peer.tellAll([sealed(keyPairOf(2000))])
    peer.channel.send(Uint8Array.of(99))
    await runtime.clock.advance(10)
    peer = connectMallory(alice, mallory.peerId)
    await begin(peer)
    peer.tellAll([sealed(keyPairOf(2000)), sealed(keyPairOf(2001))])
    await untilStored()
    for (const number of [2000, 2001]) expect(await stored(keyPairOf(number))).not.toBe('"none"')
  })
})

describe('a feed that is hostile as a whole', () => {
  it('may end at 2^53 − 1 and goes no further', async () => {
    await begin(peer)
    const name = shortNameOf(victim.publicKey)
    peer.channel.send(encodeViewMessage({ type: 'changes', changes: [{ step: SEQ_MAX, name, check: 0, seq: SEQ_MAX }] }))
    await runtime.clock.advance(10)
    expect(peer.end).toBeUndefined()
    peer.tellAll([sealed(mallory)])
    await runtime.clock.advance(10)
    expect(peer.end).toBe(REPLICATION_END.disorder)
  })

  it(`that forges ends with its forgery number ${FORGED_RECORDS_MAX}, whatever it mixes in`, async () => {
    await begin(peer)
    const forged = BAD["another author's signature"] as () => Uint8Array
    for (let count = 0; count < FORGED_RECORDS_MAX; count++) {
      expect(peer.end).toBeUndefined()
      peer.tellAll([sealed(keyPairOf(2000 + count)), forged()])
      await untilStored()
    }
    expect(peer.end).toBe(REPLICATION_END.forged)
    expect(alice.table.get(victim.peerId)).toBeUndefined()
  })

  it('that answers in drips ends when the whole answer is not there in time', async () => {
    await begin(peer)
    const names = [2000, 2001, 2002].map((number) => keyPairOf(number))
    peer.channel.send(
      encodeViewMessage({
        type: 'changes',
        changes: names.map(({ publicKey }) => ({ step: 1, name: shortNameOf(publicKey), check: 0, seq: 1 })),
      }),
    )
    await runtime.clock.advance(50)
    const asked = peer.received.find((message) => message.type === 'bulkGet')
    expect(asked).toBeDefined()
    const request = asked?.type === 'bulkGet' ? asked.request : 0
    for (const keyPair of names.slice(0, 2)) {
      await runtime.clock.advance(REQUEST_TIMEOUT_MS / 3)
      peer.channel.send(encodeViewMessage({ type: 'documents', request, last: false, envelopes: [sealed(keyPair)] }))
    }
    await runtime.clock.advance(REQUEST_TIMEOUT_MS / 3)
    expect(peer.end).toBe(REPLICATION_END.silent)
  })

  it('that tells something every now and then buys no time for what it owes', async () => {
    for (let told = 0; told < 3; told++) {
      await runtime.clock.advance(REQUEST_TIMEOUT_MS / 3)
      peer.channel.send(encodeViewMessage({ type: 'pace', eager: told % 2 === 0 }))
    }
    await runtime.clock.advance(1)
    expect(peer.end).toBe(REPLICATION_END.silent)
  })

  it('that never ends leaves the table usable for everybody else', async () => {
    await begin(peer)
    const bob = connectMallory(alice, keyPairOf(2).peerId)
    await begin(bob)
    const stale = sealed(keyPairOf(2000))
    for (let round = 0; round < 60; round++) {
      peer.tellAll(Array.from({ length: 30 }, () => stale))
      if (round === 30) bob.tellAll([sealed(keyPairOf(3000))])
      await untilStored()
    }
    expect(peer.end).toBeUndefined()
    expect(alice.table.get(keyPairOf(3000).peerId)).toBeDefined()
    expect(bob.doneSeq).toBe(1)
  })

  it('that forks is marked by whoever hears both bodies, and all hold the same one', async () => {
    const bodies = ['one', 'other']
      .map((info) => sealed(mallory, { info }))
      .sort((one, other) => (encodeHex(one) < encodeHex(other) ? -1 : 1))
    const [smaller, larger] = bodies as [Uint8Array, Uint8Array]
    for (const order of [
      [smaller, larger],
      [larger, smaller],
    ]) {
      const table = await openTable(2, runtime)
      const carrier = connectMallory(table, victim.peerId)
      await begin(carrier)
      for (const body of order) {
        carrier.tellAll([body])
        for (let round = 0; round < 40 && carrier.doneSeq < carrier.feedSeq; round++) await runtime.clock.advance(5)
      }
      const document = await table.table.db.get(`peer:${mallory.peerId}`)
      expect([...table.table.forked]).toEqual([mallory.peerId])
      expect(table.table.get(mallory.peerId)?.info).toBe(recordInfo(smaller))
      // The database follows when it is written anew: one revision cannot have two bodies.
      await runtime.clock.advance(120_000)
      const rewritten = await table.table.db.get(`peer:${mallory.peerId}`)
      expect(Buffer.from(rewritten.envelope, 'base64url').equals(smaller)).toBe(true)
      expect(rewritten._rev).toBe(document._rev)
      table.table.destroy()
      await table.table.close()
    }
  })
})

const recordInfo = (envelope: Uint8Array): string => (Buffer.from(envelope).includes('"one"') ? 'one' : 'other')
