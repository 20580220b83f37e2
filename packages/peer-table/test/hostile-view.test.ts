import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Channel, type CloseReason, concatBytes } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle, type TestRuntime } from '@resilient-swarm/testkit'
import fc from 'fast-check'
import { REPLICATION_END } from '../src/index.ts'
import {
  BULK_GETS_MAX,
  FEED_CHANGES_MAX,
  FORGED_RECORDS_MAX,
  FULL_FEED_BELOW_RECORDS,
  REQUEST_TIMEOUT_MS,
  SEQ_MAX,
} from '../src/limits.ts'
import { sealRecord } from '../src/record-envelope.ts'
import { shortNameOf } from '../src/short-name.ts'
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
async function tellInfo(): Promise<void> {
  tell({ type: 'info', instance, feedSeq: 9, count: 9 })
  await waitFor('subscribe')
}
const named = (keyPair = victim, seq = 1, step = 1): Change => ({
  step,
  name: shortNameOf(keyPair.publicKey),
  check: 0,
  seq,
})
const whole = (envelope: Uint8Array, step = 1): Change => ({ step, envelope })
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
    await tellInfo()
    tell({ type: 'info', instance, feedSeq: 9, count: 9 })
    await expectEnd('disorder')
  })

  it('ends when it tells of changes before it says who it is', async () => {
    tell({ type: 'changes', changes: [named()] })
    await expectEnd('disorder')
  })

  it('ends when its feed goes over the largest place', async () => {
    await tellInfo()
    tell({ type: 'changes', changes: [named(victim, 1, SEQ_MAX)] })
    tell({ type: 'changes', changes: [named()] })
    await expectEnd('disorder')
  })

  it('ends when it caught up twice, or behind its own feed', async () => {
    await tellInfo()
    tell({ type: 'caughtUp', feedSeq: 9 })
    tell({ type: 'caughtUp', feedSeq: 9 })
    await expectEnd('disorder')
    connect()
    await tellInfo()
    tell({ type: 'changes', changes: [whole(envelopeOf(mallory), 5)] })
    tell({ type: 'caughtUp', feedSeq: 4 })
    await expectEnd('disorder')
  })

  it(`ends when it tells of more than ${FEED_CHANGES_MAX} changes without waiting`, async () => {
    await tellInfo()
    const makeChanges = (count: number) => Array.from({ length: count }, () => named())
    tell({ type: 'changes', changes: makeChanges(FEED_CHANGES_MAX) })
    let ended = false
    void closed.then(() => {
      ended = true
    })
    await settle()
    expect(ended).toBe(false)
    tell({ type: 'changes', changes: makeChanges(1) })
    await expectEnd('disorder')
  })

  it('ends when it answers what nobody asked, another request, or other peers than asked', async () => {
    await tellInfo()
    tell({ type: 'documents', request: 1, last: true, envelopes: [envelopeOf()] })
    await expectEnd('disorder')
    for (const answer of [
      (request: number) => ({ request: request + 1, envelopes: [envelopeOf(mallory)] }),
      (request: number) => ({ request, envelopes: [envelopeOf(victim)] }),
      (request: number) => ({ request, envelopes: [envelopeOf(mallory), envelopeOf(mallory)] }),
      (request: number) => ({ request, envelopes: [new Uint8Array(97)] }),
      (request: number) => ({ request, envelopes: [], last: false }),
    ]) {
      connect()
      await tellInfo()
      tell({ type: 'changes', changes: [named(mallory)] })
      const { request } = await waitFor('bulkGet')
      tell({ type: 'documents', last: true, ...answer(request) })
      await expectEnd('disorder')
    }
  })

  it('ends when it never says who it is, and when it never answers', async () => {
    await runtime.clock.advance(REQUEST_TIMEOUT_MS)
    await expectEnd('silent')
    connect()
    await tellInfo()
    tell({ type: 'changes', changes: [named()] })
    await waitFor('bulkGet')
    await runtime.clock.advance(REQUEST_TIMEOUT_MS - 1)
    tell({ type: 'caughtUp', feedSeq: 9 })
    await settle()
    await runtime.clock.advance(REQUEST_TIMEOUT_MS - 1)
    await runtime.clock.advance(1)
    await expectEnd('silent')
  })

  it('may be silent for hours when nothing is owed', async () => {
    await tellInfo()
    tell({ type: 'caughtUp', feedSeq: 9 })
    await settle()
    await runtime.clock.advance(3_600_000)
    tell({ type: 'changes', changes: [whole(envelopeOf(mallory))] })
    await waitFor('done')
    expect(received.some((message) => message.type === 'changes')).toBe(false)
  })

  it(`is refused record by record, its good ones stored, and ends with its ${FORGED_RECORDS_MAX}th forgery`, async () => {
    await tellInfo()
    const forged = envelopeBy({ author: victim, signer: mallory })
    const expired = sealRecord(victim, recordOf(victim, { createdMs: runtime.clock.now() - 3_600_000 }), NETWORK)
    const bad = [
      forged,
      concatBytes(victim.publicKey, envelopeOf(mallory).subarray(32)), // another author's record under the victim's name
      expired,
      sealRecord(victim, recordOf(victim), 'other'),
      concatBytes(victim.publicKey, new Uint8Array(100)),
    ]
    const good = keyPairOf(668)
    // One change after the other: PouchDB takes only the last of one id in a batch.
    for (const envelope of bad) {
      tell({ type: 'changes', changes: [whole(envelope)] })
      await runtime.clock.advance(10)
    }
    tell({ type: 'changes', changes: [whole(envelopeOf(good)), whole(forged)] })
    for (let round = 0; !alice.table.get(good.peerId) && round < 50; round++) await runtime.clock.advance(10)
    expect(alice.table.get(good.peerId)).toBeDefined()
    expect(alice.table.get(victim.peerId)).toBeUndefined()
    for (let count = 0; count < FORGED_RECORDS_MAX; count++) {
      if (!tell({ type: 'changes', changes: [whole(forged)] })) break
      await runtime.clock.advance(10)
    }
    await expectEnd('forged')
    expect(await alice.table.db.get(`peer:${good.peerId}`)).toBeDefined()
    await expect(alice.table.db.get(`peer:${victim.peerId}`)).rejects.toMatchObject({ status: 404 })
  })

  it('cannot take a record away that it names and does not have', async () => {
    await alice.table.admit(Array.from({ length: FULL_FEED_BELOW_RECORDS }, (_, at) => documentOf(keyPairOf(700 + at))))
    await tellInfo()
    tell({ type: 'changes', changes: [named(keyPairOf(700), 99), named(mallory)] })
    const { request, names } = await waitFor('bulkGet')
    expect([...names].sort()).toEqual([keyPairOf(700), mallory].map(({ publicKey }) => shortNameOf(publicKey)).sort())
    tell({ type: 'documents', request, last: true, envelopes: [envelopeOf(mallory)] })
    await runtime.clock.advance(10)
    await whenRecord(alice, ({ id }) => id === mallory.peerId)
    expect(alice.table.get(keyPairOf(700).peerId)?.seq).toBe(1)
  })
})

describe('a peer whose reading is hostile', () => {
  const subscribe = (since = 0) => tell({ type: 'subscribe', since, ahead: 256 })

  it('ends when it subscribes twice, or behind what there is', async () => {
    subscribe()
    subscribe()
    await expectEnd('disorder')
    connect()
    const { feedSeq } = await waitFor('info')
    subscribe(feedSeq + 1)
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
    const names = authors.map(({ publicKey }) => shortNameOf(publicKey))
    far.send(encodeViewMessage({ type: 'bulkGet', request: 7, names: [...names, shortNameOf(victim.publicKey)] }))
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
    for (let request = 0; request < BULK_GETS_MAX + 2; request++) far.send(encodeViewMessage({ type: 'bulkGet', request, names }))
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
      .map((change) => ('envelope' in change ? shortNameOf(change.envelope) : change.name))
    expect(told.sort()).toEqual([alice.keyPair, mallory].map(({ publicKey }) => shortNameOf(publicKey)).sort())
  })
})

it('any sequence of messages only ever ends a replication with a number', async () => {
  const seed = Date.now() & 0x7fff_ffff
  const number = fc.integer({ min: 0, max: 12 })
  const name = fc.constantFrom(shortNameOf(mallory.publicKey), shortNameOf(victim.publicKey))
  const envelope = fc.constantFrom(
    envelopeOf(mallory),
    envelopeOf(victim),
    envelopeBy({ author: victim, signer: mallory }),
    new Uint8Array(97),
  )
  const anyMessage: fc.Arbitrary<ViewMessage> = fc.oneof(
    fc.constant({ type: 'info', instance, feedSeq: 3, count: 3 } as const),
    fc.record({ type: fc.constant('subscribe' as const), since: number, ahead: number }),
    fc.record({ type: fc.constant('pace' as const), eager: fc.boolean() }),
    fc.record({
      type: fc.constant('changes' as const),
      changes: fc.array(
        fc.oneof(
          fc.record({ step: fc.integer({ min: 1, max: 12 }), envelope }),
          fc.record({ step: fc.integer({ min: 1, max: 12 }), name, check: number, seq: fc.integer({ min: 1, max: 3 }) }),
        ),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    fc.record({ type: fc.constantFrom('done' as const, 'caughtUp' as const), feedSeq: number }),
    fc.record({ type: fc.constant('bulkGet' as const), request: number, names: fc.array(name, { minLength: 1, maxLength: 3 }) }),
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
        await tellInfo()
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
