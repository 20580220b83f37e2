import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Channel, type CloseReason, encodeHex } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle, type TestRuntime } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { REPLICATION_END } from '../src/index.ts'
import {
  BULK_GETS_MAX,
  FEED_CHANGES_MAX,
  FORGED_RECORDS_MAX,
  FULL_FEED_BELOW_RECORDS,
  REQUEST_TIMEOUT_MS,
} from '../src/limits.ts'
import { sealRecord } from '../src/record-envelope.ts'
import { type Change, encodeViewMessage, INSTANCE_BYTES, parseViewMessage, type ViewMessage } from '../src/view-messages.ts'
import { documentOf, envelopeBy, recordOf } from './documents.ts'
import { keyPairOf, NETWORK, type OpenTable, openTable, whenRecord } from './tables.ts'

const mallory = keyPairOf(666)
const victim = keyPairOf(667)
const instance = new Uint8Array(INSTANCE_BYTES).fill(6)
const ERR = {
  malformed: 'ERR_TABLE_PROTOCOL',
  disorder: 'ERR_TABLE_PROTOCOL',
  forged: 'ERR_TABLE_FORGED',
  silent: 'ERR_TABLE_SILENT',
}

let runtime: TestRuntime
let alice: OpenTable
let channel: Channel
let received: ViewMessage[]
let closed: Promise<CloseReason>

beforeEach(async () => {
  runtime = createTestRuntime({ startMs: Date.now() })
  alice = await openTable(1, runtime)
  connect()
})
afterEach(async () => {
  alice.table.destroy()
  await alice.table.close()
})

function connect(): void {
  const [near, far] = createChannelPair()
  channel = far
  received = []
  channel.onMessage = (bytes) => received.push(parseViewMessage(bytes) as ViewMessage)
  closed = alice.table.replicate({ channel: near, peer: mallory.peerId }).closed
}

const tell = (message: ViewMessage): boolean => channel.send(encodeViewMessage(message))
const tellInfo = () => tell({ type: 'info', instance, feedSeq: 9, count: 9 })
const change = (feedSeq: number, keyPair = victim, envelope?: Uint8Array, seq = 1): Change => ({
  feedSeq,
  key: keyPair.publicKey,
  seq,
  ...(envelope ? { envelope } : {}),
})
const envelopeOf = (keyPair = victim, seq = 1) => sealRecord(keyPair, recordOf(keyPair, { seq }), NETWORK)
async function waitFor<Type extends ViewMessage['type']>(type: Type): Promise<Extract<ViewMessage, { type: Type }>> {
  for (let round = 0; round < 200; round++) {
    const found = received.find((message) => message.type === type)
    if (found) return found as Extract<ViewMessage, { type: Type }>
    await settle()
  }
  throw new Error(`no ${type} came`)
}
async function expectEnd(code: keyof typeof ERR): Promise<void> {
  expect(await closed).toMatchObject({ by: 'us', code: REPLICATION_END[code], error: { code: ERR[code] } })
  expect(alice.table.records.map(({ id }) => id)).not.toContain(victim.peerId)
}

describe('a peer whose view is hostile', () => {
  it('ends with a number when it sends garbage', async () => {
    channel.send(Uint8Array.of(99, 1, 2))
    await expectEnd('malformed')
  })

  it('ends when it tells twice who it is', async () => {
    tellInfo()
    tellInfo()
    await expectEnd('disorder')
  })

  it('ends when it tells of changes before it says who it is', async () => {
    tell({ type: 'changes', changes: [change(1)] })
    await expectEnd('disorder')
  })

  for (const places of [
    [5, 4],
    [5, 5],
  ]) {
    it(`ends when its feed goes from ${places.join(' to ')}`, async () => {
      tellInfo()
      for (const place of places) tell({ type: 'changes', changes: [change(place)] })
      await expectEnd('disorder')
    })
  }

  it('ends when it caught up twice, or behind its own feed', async () => {
    tellInfo()
    tell({ type: 'caughtUp', feedSeq: 9 })
    tell({ type: 'caughtUp', feedSeq: 9 })
    await expectEnd('disorder')
    connect()
    tellInfo()
    tell({ type: 'changes', changes: [change(5, mallory, envelopeOf(mallory))] })
    tell({ type: 'caughtUp', feedSeq: 4 })
    await expectEnd('disorder')
  })

  it(`ends when it tells of more than ${FEED_CHANGES_MAX} changes without waiting`, async () => {
    tellInfo()
    const makeChanges = (count: number, from = 0) => Array.from({ length: count }, (_, at) => change(from + at + 1))
    tell({ type: 'changes', changes: makeChanges(FEED_CHANGES_MAX) })
    let ended = false
    void closed.then(() => {
      ended = true
    })
    await settle()
    expect(ended).toBe(false)
    tell({ type: 'changes', changes: makeChanges(1, FEED_CHANGES_MAX) })
    await expectEnd('disorder')
  })

  it('ends when it answers what nobody asked, another request, or other peers than asked', async () => {
    tellInfo()
    tell({ type: 'documents', request: 1, last: true, envelopes: [envelopeOf()] })
    await expectEnd('disorder')
    for (const answer of [
      (request: number) => ({ request: request + 1, envelopes: [envelopeOf(mallory)] }),
      (request: number) => ({ request, envelopes: [envelopeOf(victim)] }),
      (request: number) => ({ request, envelopes: [envelopeOf(mallory), envelopeOf(mallory)] }),
      (request: number) => ({ request, envelopes: [Uint8Array.of(1, 2, 3)] }),
      (request: number) => ({ request, envelopes: [], last: false }),
    ]) {
      connect()
      tellInfo()
      tell({ type: 'changes', changes: [change(1, mallory)] })
      const { request } = await waitFor('bulkGet')
      tell({ type: 'documents', last: true, ...answer(request) })
      await expectEnd('disorder')
    }
  })

  it('ends when it never says who it is, and when it never answers', async () => {
    await runtime.clock.advance(REQUEST_TIMEOUT_MS)
    await expectEnd('silent')
    connect()
    tellInfo()
    tell({ type: 'changes', changes: [change(1)] })
    await waitFor('bulkGet')
    await runtime.clock.advance(REQUEST_TIMEOUT_MS - 1)
    tell({ type: 'caughtUp', feedSeq: 9 })
    await settle()
    await runtime.clock.advance(REQUEST_TIMEOUT_MS - 1)
    await runtime.clock.advance(1)
    await expectEnd('silent')
  })

  it('may be silent for hours when nothing is owed', async () => {
    tellInfo()
    tell({ type: 'caughtUp', feedSeq: 9 })
    await settle()
    await runtime.clock.advance(3_600_000)
    tell({ type: 'changes', changes: [change(10, mallory, envelopeOf(mallory))] })
    await waitFor('done')
    expect(received.some((message) => message.type === 'changes')).toBe(false)
  })

  it(`is refused record by record, its good ones stored, and ends with its ${FORGED_RECORDS_MAX}th forgery`, async () => {
    tellInfo()
    const forged = envelopeBy({ author: victim, signer: mallory })
    const expired = sealRecord(victim, recordOf(victim, { createdMs: runtime.clock.now() - 3_600_000 }), NETWORK)
    const bad: Change[] = [
      change(1, victim, forged),
      change(2, victim, envelopeOf(mallory)), // another author's record under the victim's name
      change(3, victim, expired),
      change(4, victim, sealRecord(victim, recordOf(victim), 'other')),
      change(5, victim, envelopeOf(victim, 7), 8), // the row tells another seq
      change(6, victim, Uint8Array.of(1, 2, 3)),
    ]
    const good = keyPairOf(668)
    // One change after the other: PouchDB takes only the last of one id in a batch.
    for (const one of bad) {
      tell({ type: 'changes', changes: [one] })
      await runtime.clock.advance(10)
    }
    tell({ type: 'changes', changes: [change(7, good, envelopeOf(good)), change(8, victim, forged)] })
    for (let round = 0; !alice.table.get(good.peerId) && round < 50; round++) await runtime.clock.advance(10)
    expect(alice.table.get(good.peerId)).toBeDefined()
    expect(alice.table.get(victim.peerId)).toBeUndefined()
    for (let place = 9; place < 9 + FORGED_RECORDS_MAX; place++) {
      if (!tell({ type: 'changes', changes: [change(place, victim, forged)] })) break
      await runtime.clock.advance(10)
    }
    await expectEnd('forged')
    expect(await alice.table.db.get(`peer:${good.peerId}`)).toBeDefined()
    await expect(alice.table.db.get(`peer:${victim.peerId}`)).rejects.toMatchObject({ status: 404 })
  })

  it('cannot take a record away that it names and does not have', async () => {
    await alice.table.admit(Array.from({ length: FULL_FEED_BELOW_RECORDS }, (_, at) => documentOf(keyPairOf(700 + at))))
    tellInfo()
    tell({ type: 'changes', changes: [change(1, keyPairOf(700), undefined, 99), change(2, mallory)] })
    const { request, keys } = await waitFor('bulkGet')
    expect(keys.map(encodeHex).sort()).toEqual([keyPairOf(700), mallory].map(({ publicKey }) => encodeHex(publicKey)).sort())
    tell({ type: 'documents', request, last: true, envelopes: [envelopeOf(mallory)] })
    await runtime.clock.advance(10)
    await whenRecord(alice, ({ id }) => id === mallory.peerId)
    expect(alice.table.get(keyPairOf(700).peerId)?.seq).toBe(1)
  })
})

describe('a peer whose reading is hostile', () => {
  const subscribe = (since = 0, life: Uint8Array = new Uint8Array(INSTANCE_BYTES)) =>
    tell({ type: 'subscribe', instance: life, since, full: true })

  it('ends when it subscribes twice, or behind what there is', async () => {
    subscribe()
    subscribe()
    await expectEnd('disorder')
    connect()
    const { instance: life, feedSeq } = await waitFor('info')
    subscribe(feedSeq + 1, life)
    await expectEnd('disorder')
  })

  it('ends when it is done with what was not sent', async () => {
    tell({ type: 'done', feedSeq: 1 })
    await expectEnd('disorder')
    connect()
    subscribe()
    await waitFor('caughtUp')
    tell({ type: 'done', feedSeq: 99 })
    await expectEnd('disorder')
  })

  it(`ends when it asks more than ${BULK_GETS_MAX} times without taking the answers, and gets no more than fits`, async () => {
    const authors = Array.from({ length: 60 }, (_, at) => keyPairOf(700 + at))
    await Promise.all([
      alice.table.admit(authors.map((author) => documentOf(author, { info: 'x'.repeat(500) }))),
      runtime.clock.advance(100),
    ])
    const [near, far] = createChannelPair({ highWaterBytes: 0 })
    const answers: ViewMessage[] = []
    far.onMessage = (bytes) => answers.push(parseViewMessage(bytes) as ViewMessage)
    void alice.table.replicate({ channel: near, peer: mallory.peerId })
    const keys = authors.map(({ publicKey }) => publicKey)
    far.send(encodeViewMessage({ type: 'bulkGet', request: 7, keys: [...keys, victim.publicKey] }))
    for (let round = 0; round < 5; round++) await settle()
    const documents = answers.filter((message) => message.type === 'documents')
    expect(documents.length).toBeGreaterThan(2)
    expect(documents.flatMap(({ envelopes }) => envelopes)).toHaveLength(authors.length)
    expect(documents.map(({ last }) => last)).toEqual(documents.map((_, at) => at === documents.length - 1))

    near.onDrain = () => {} // from here on nothing is taken
    let ended: CloseReason | undefined
    void near.closed.then((reason) => {
      ended = reason
    })
    for (let request = 0; request < BULK_GETS_MAX + 2; request++) far.send(encodeViewMessage({ type: 'bulkGet', request, keys }))
    await settle()
    expect(ended).toMatchObject({ error: { code: 'ERR_TABLE_PROTOCOL' } })
  })

  it('gets no expired record but its own of an earlier life', async () => {
    await alice.table.admit([
      documentOf(victim, { createdMs: runtime.clock.now() }),
      documentOf(mallory, { createdMs: runtime.clock.now() }),
    ])
    await runtime.clock.advance(20 * 60_000)
    connect()
    subscribe()
    await waitFor('caughtUp')
    const told = received
      .flatMap((message) => (message.type === 'changes' ? message.changes : []))
      .map(({ key }) => encodeHex(key))
    expect(told.sort()).toEqual([alice.keyPair, mallory].map(({ publicKey }) => encodeHex(publicKey)).sort())
  })
})

it('any sequence of messages only ever ends a replication with a number', async () => {
  const seed = Date.now() & 0x7fff_ffff
  const number = fc.integer({ min: 0, max: 12 })
  const key = fc.constantFrom(mallory.publicKey, victim.publicKey)
  const envelope = fc.constantFrom(
    envelopeOf(mallory),
    envelopeOf(victim),
    envelopeBy({ author: victim, signer: mallory }),
    Uint8Array.of(1),
  )
  const anyMessage: fc.Arbitrary<ViewMessage> = fc.oneof(
    fc.constant({ type: 'info', instance, feedSeq: 3, count: 3 } as const),
    fc.record({ type: fc.constant('subscribe' as const), instance: fc.constant(instance), since: number, full: fc.boolean() }),
    fc.record({
      type: fc.constant('changes' as const),
      changes: fc.array(
        fc.record({ feedSeq: fc.integer({ min: 1, max: 12 }), key, seq: fc.integer({ min: 1, max: 3 }), envelope }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    fc.record({ type: fc.constantFrom('done' as const, 'caughtUp' as const), feedSeq: number }),
    fc.record({ type: fc.constant('bulkGet' as const), request: number, keys: fc.array(key, { minLength: 1, maxLength: 3 }) }),
    fc.record({
      type: fc.constant('documents' as const),
      request: number,
      last: fc.boolean(),
      envelopes: fc.array(envelope, { maxLength: 2 }),
    }),
  )
  const codes = new Set<number>(Object.values(REPLICATION_END))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(anyMessage.map(encodeViewMessage), fc.uint8Array({ maxLength: 60 })), { maxLength: 8 }),
      async (messages) => {
        connect()
        tellInfo()
        for (const message of messages) channel.send(message)
        channel.close()
        expect(codes).toContain((await closed).code)
      },
    ),
    { numRuns: 1000, seed },
  )
  await settle()
  expect(alice.table.own.left).toBe(false)
})
