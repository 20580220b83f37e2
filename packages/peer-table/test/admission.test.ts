import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  compareBytes,
  concatBytes,
  decodeBase64Url,
  encodeBase64Url,
  encodeVarint,
  type PeerId,
  utf8,
} from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import {
  type Admission,
  type AdmissionContext,
  createAdmission,
  type Judgement,
  judgeRecord,
  type Refusal,
  type Stored,
} from '../src/admission.ts'
import {
  ANCESTRY_BRIDGE_MAX,
  AUTHOR_CHANGES_BURST,
  AUTHOR_CHANGES_PER_SECOND,
  CLOCK_SKEW_MS,
  FORGET_AFTER_MS,
  INTRODUCED_RECORDS_MAX,
  RECORD_BYTES_MAX,
  SEQ_MAX,
  TABLE_RECORDS_MAX,
} from '../src/limits.ts'
import { PeerIndex } from '../src/peer-index.ts'
import { encodeRecord, parseRecord } from '../src/peer-record.ts'
import { readEnvelope, sealRecord, type UnverifiedRecord } from '../src/record-envelope.ts'
import { revisionOf } from '../src/revision.ts'
import { VerifyBudget } from '../src/verify-budget.ts'
import { documentOf, documentOfEnvelope, envelopeBy, LIFETIME_MS, recordOf } from './documents.ts'
import { keyPairOf, NETWORK, type OpenTable, openTable } from './tables.ts'

const GOOD = 99
const STARTED_MS = Date.now()
const authors: KeyPair[] = []
const neighbours: unknown[] = []
beforeAll(() => {
  for (let number = 0; number < GOOD; number++) authors.push(keyPairOf(1000 + number))
  neighbours.push(...authors.map((author) => documentOf(author)))
})

let alice: OpenTable | undefined
afterEach(async () => {
  await alice?.table.close()
  alice = undefined
})

const mallory = keyPairOf(666)
const victim = keyPairOf(667)
type Document = ReturnType<typeof documentOf>
const bytesOf = ({ envelope }: Document): Uint8Array => decodeBase64Url(envelope) as Uint8Array
const infoOf = (document: Document) => parseRecord(bytesOf(document).subarray(96))?.info
const good = () => documentOf(mallory)
const payloadOf = (network = NETWORK) => encodeRecord(recordOf(mallory), network)
const spelled = (...parts: Uint8Array[]) =>
  documentOfEnvelope(mallory, envelopeBy({ author: mallory, payload: concatBytes(...parts) }))

/** What mallory sends, and why it is refused. */
const BAD: Record<string, { readonly document: () => unknown; readonly refusal: Refusal; readonly before?: () => unknown }> = {
  'a signature over other bytes': {
    document: () => {
      const envelope = envelopeBy({ author: mallory })
      envelope[40] = (envelope[40] ?? 0) ^ 1
      return documentOfEnvelope(mallory, envelope)
    },
    refusal: 'signature',
  },
  "another author's signature": {
    document: () => documentOfEnvelope(victim, envelopeBy({ author: victim, signer: mallory })),
    refusal: 'signature',
  },
  'a signature made for another domain': {
    document: () => documentOfEnvelope(mallory, envelopeBy({ author: mallory, domain: 'rs/1/register' })),
    refusal: 'signature',
  },
  'a record for another network': { document: () => documentOf(mallory, {}, 'other'), refusal: 'network' },
  "a document whose id is not the record's key": {
    document: () => ({ ...good(), _id: `peer:${victim.peerId}` }),
    refusal: 'id',
  },
  'an id that is an inherited name': { document: () => ({ ...good(), _id: '__proto__' }), refusal: 'id' },
  'an id of a megabyte': { document: () => ({ ...good(), _id: 'x'.repeat(1 << 20) }), refusal: 'id' },
  'a rolled-back seq': {
    before: () => documentOf(mallory, { seq: 5 }),
    document: () => documentOf(mallory, { seq: 4 }),
    refusal: 'stale',
  },
  'a record that is there already': {
    before: () => documentOf(mallory, { seq: 5, createdMs: STARTED_MS }),
    document: () => documentOf(mallory, { seq: 5, createdMs: STARTED_MS }),
    refusal: 'stale',
  },
  'a revision that is not the computed one': {
    document: () => ({ ...good(), _rev: `1-${'0'.repeat(32)}` }),
    refusal: 'revision',
  },
  'a revision further on than the record': {
    document: () => ({ ...good(), _rev: revisionOf(mallory.publicKey, 2) }),
    refusal: 'revision',
  },
  'a revision position that is huge': {
    document: () => ({ ...good(), _rev: `${SEQ_MAX + 1}-${'0'.repeat(32)}` }),
    refusal: 'revision',
  },
  _deleted: { document: () => ({ ...good(), _deleted: true }), refusal: 'shape' },
  '_deleted without a record': {
    document: () => ({ _id: `peer:${victim.peerId}`, _rev: revisionOf(victim.publicKey, 9), _deleted: true }),
    refusal: 'shape',
  },
  _attachments: {
    document: () => ({ ...good(), _attachments: { file: { content_type: 'text/plain', data: '' } } }),
    refusal: 'shape',
  },
  'a _design document': {
    document: () => ({ _id: '_design/evil', _rev: `1-${'0'.repeat(32)}`, views: {} }),
    refusal: 'shape',
  },
  'a record under a _design id': { document: () => ({ ...good(), _id: '_design/evil' }), refusal: 'id' },
  'a _local document': { document: () => ({ _id: '_local/evil', last_seq: 9 }), refusal: 'shape' },
  'a record under a _local id': { document: () => ({ ...good(), _id: '_local/evil' }), refusal: 'id' },
  'a field that nobody knows': { document: () => ({ ...good(), extra: 1 }), refusal: 'shape' },
  'no object at all': { document: () => 'peer', refusal: 'shape' },
  'nothing at all': { document: () => null, refusal: 'shape' },
  'an envelope in another spelling of base64': {
    document: () => ({ ...good(), envelope: `${good().envelope}=` }),
    refusal: 'shape',
  },
  'an envelope that is no text': { document: () => ({ ...good(), envelope: 5 }), refusal: 'shape' },
  'an ancestry that is none': { document: () => ({ ...good(), _revisions: { start: 'x', ids: [] } }), refusal: 'shape' },
  'an ancestry of 20,000': {
    document: () => ({ ...good(), _revisions: { start: 1, ids: new Array(20_000).fill('0'.repeat(32)) } }),
    refusal: 'shape',
  },
  'an ancestry of one more than anybody writes': {
    document: () => ({ ...good(), _revisions: { start: 1, ids: new Array(ANCESTRY_BRIDGE_MAX + 2).fill('0'.repeat(32)) } }),
    refusal: 'shape',
  },
  'a revision with a broken position': { document: () => ({ ...good(), _rev: `1.5-${'0'.repeat(32)}` }), refusal: 'revision' },
  'a revision with a negative position': { document: () => ({ ...good(), _rev: `-1-${'0'.repeat(32)}` }), refusal: 'revision' },
  'a revision that is a number': { document: () => ({ ...good(), _rev: 1 }), refusal: 'shape' },
  'an ancestry that starts in between': {
    document: () => ({ ...good(), _revisions: { start: 1.5, ids: [] } }),
    refusal: 'shape',
  },
  'a document of a hundred thousand fields': {
    document: () => ({ ...good(), ...Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`f${at}`, at])) }),
    refusal: 'shape',
  },
  'a document whose field throws when it is read': {
    document: () =>
      Object.defineProperty({ ...good() }, 'envelope', {
        enumerable: true,
        get() {
          throw new Error('mallory')
        },
      }),
    refusal: 'shape',
  },
  'a record over 4 KiB': {
    document: () => documentOfEnvelope(mallory, new Uint8Array(RECORD_BYTES_MAX + 1)),
    refusal: 'size',
  },
  'a text of a megabyte': { document: () => ({ ...good(), envelope: 'A'.repeat(1 << 20) }), refusal: 'size' },
  'an expired record': {
    document: () => documentOf(mallory, { createdMs: Date.now() - LIFETIME_MS - 1000 }),
    refusal: 'expired',
  },
  'a record made later than now': {
    document: () => documentOf(mallory, { createdMs: Date.now() + CLOCK_SKEW_MS + 60_000 }),
    refusal: 'future',
  },
  'a record that lasts for ten years': {
    document: () => documentOf(mallory, { expiresMs: Date.now() + 10 * 365 * FORGET_AFTER_MS }),
    refusal: 'future',
  },
  'seq 0': { document: () => ({ ...documentOf(mallory, { seq: 0 }) }), refusal: 'shape' },
  'seq 2^53': {
    document: () => {
      const seq = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)
      const rest = payloadOf().subarray(1 + 1 + NETWORK.length + 1)
      return spelled(encodeVarint(1), encodeVarint(NETWORK.length), utf8(NETWORK), seq, rest)
    },
    refusal: 'shape',
  },
  'a version that nobody knows': { document: () => spelled(encodeVarint(3), payloadOf().subarray(1)), refusal: 'shape' },
  'bytes behind the record': { document: () => spelled(payloadOf(), Uint8Array.of(0)), refusal: 'shape' },
  'a record that is cut off': { document: () => spelled(payloadOf().slice(0, -1)), refusal: 'shape' },
  'a link to itself': {
    document: () => documentOf(mallory, { links: [{ key: mallory.peerId, rttMs: 1 }] }),
    refusal: 'shape',
  },
  'a key of small order': {
    document: () => {
      const author = { ...mallory, publicKey: new Uint8Array(32), peerId: keyPairOf(1).peerId } as unknown as KeyPair
      const envelope = envelopeBy({ author, signer: mallory, payload: payloadOf() })
      const read = readEnvelope(envelope) as UnverifiedRecord
      return { _id: `peer:${read.id}`, _rev: revisionOf(read.key, 1), envelope: encodeBase64Url(envelope) }
    },
    refusal: 'signature',
  },
}

describe('the way into the table', () => {
  it('lets a good record in', async () => {
    alice = await openTable(1)
    const document = good()
    expect(await alice.table.admit([document])).toEqual([{ id: document._id }])
    expect(alice.table.get(mallory.peerId)?.seq).toBe(1)
    expect(await alice.table.db.get(`peer:${mallory.peerId}`)).toMatchObject(document)
  })

  for (const [what, { document, refusal, before }] of Object.entries(BAD)) {
    it(`refuses ${what}, alone and among ${GOOD} good ones, which are stored`, async () => {
      alice = await openTable(1)
      if (before) await alice.table.admit([before()])
      const standing = await alice.table.db.allDocs({ include_docs: true })
      const bad = document()
      expect(await alice.table.admit([bad], { introducer: mallory.peerId })).toMatchObject([{ refusal }])
      expect(await alice.table.db.allDocs({ include_docs: true })).toEqual(standing)

      const batch = [...neighbours]
      batch.splice(50, 0, bad)
      const verdicts = await alice.table.admit(batch, { introducer: mallory.peerId })
      expect(verdicts.map((verdict) => verdict.refusal)).toEqual(batch.map((one) => (one === bad ? refusal : undefined)))
      const { rows } = await alice.table.db.allDocs({ include_docs: true })
      expect(rows).toHaveLength(standing.rows.length + GOOD)
      for (const author of authors) expect(alice.table.get(author.peerId)?.seq).toBe(1)
      for (const row of standing.rows) expect(rows).toContainEqual(row)
    })
  }

  it('keeps the smaller of two bodies for one seq, whichever came first, and marks the author, but not for a forged one', async () => {
    const bodies = ['one', 'other'].map((info) => documentOf(mallory, { seq: 3, info, createdMs: STARTED_MS }))
    // Both begin with the key, so the signatures decide.
    const [smaller, larger] = bodies.sort((one, other) => compareBytes(bytesOf(one), bytesOf(other))) as [Document, Document]
    for (const order of [
      [smaller, larger],
      [larger, smaller],
    ]) {
      alice = await openTable(1)
      const forged = documentOfEnvelope(
        mallory,
        envelopeBy({ author: mallory, signer: victim, payload: encodeRecord(recordOf(mallory, { seq: 3 }), NETWORK) }),
        3,
      )
      await alice.table.admit([order[0]])
      expect(await alice.table.admit([forged])).toMatchObject([{ refusal: 'signature' }])
      expect([...alice.table.forked]).toEqual([])
      expect((await alice.table.admit([order[1]]))[0]?.refusal).toBe(order[1] === larger ? 'stale' : undefined)
      expect(alice.table.get(mallory.peerId)?.info).toBe(infoOf(smaller))
      expect([...alice.table.forked]).toEqual([mallory.peerId])
      expect(await alice.table.admit([larger])).toMatchObject([{ refusal: 'stale' }])
      await alice.table.admit([documentOf(mallory, { seq: 4, info: 'third' })])
      expect(alice.table.get(mallory.peerId)?.info).toBe('third')
      await alice.table.close()
    }
  })

  it(`takes ${AUTHOR_CHANGES_BURST} changes of one author in a moment, then one in ${1 / AUTHOR_CHANGES_PER_SECOND} s`, async () => {
    const runtime = createTestRuntime({ startMs: STARTED_MS })
    alice = await openTable(1, runtime)
    const say = async (seq: number): Promise<Refusal | undefined> => {
      const verdicts = alice?.table.admit([documentOf(mallory, { seq, createdMs: STARTED_MS })])
      await runtime.clock.advance(10)
      return (await verdicts)?.[0]?.refusal
    }
    for (let seq = 1; seq <= AUTHOR_CHANGES_BURST; seq++) expect(await say(seq)).toBeUndefined()
    expect(await say(AUTHOR_CHANGES_BURST + 1)).toBe('rate')
    await runtime.clock.advance(1000 / AUTHOR_CHANGES_PER_SECOND)
    expect(await say(AUTHOR_CHANGES_BURST + 1)).toBeUndefined()
    expect(await say(AUTHOR_CHANGES_BURST + 2)).toBe('rate')
  })

  it('is not used up for an author by who forges its changes', async () => {
    alice = await openTable(1)
    await alice.table.admit([documentOf(victim)])
    const forged = (seq: number) =>
      documentOfEnvelope(
        victim,
        envelopeBy({ author: victim, signer: mallory, payload: encodeRecord(recordOf(victim, { seq }), NETWORK) }),
        seq,
      )
    for (let seq = 2; seq < 2 + 2 * AUTHOR_CHANGES_BURST; seq++) await alice.table.admit([forged(seq)])
    expect(await alice.table.admit([documentOf(victim, { seq: 2 })])).toEqual([{ id: `peer:${victim.peerId}` }])
  })

  it(`takes ${INTRODUCED_RECORDS_MAX} peers from one introducer and no more, but its own record and news of known ones`, async () => {
    alice = await openTable(1)
    const made = Array.from({ length: INTRODUCED_RECORDS_MAX + 1 }, (_, number) => keyPairOf(10_000 + number))
    const verdicts = await alice.table.admit(
      made.map((author) => documentOf(author)),
      { introducer: mallory.peerId },
    )
    expect(verdicts.map(({ refusal }) => refusal)).toEqual(
      made.map((_, number) => (number < INTRODUCED_RECORDS_MAX ? undefined : 'quota')),
    )
    const more = [documentOf(mallory), documentOf(made[0] as KeyPair, { seq: 2 })]
    expect((await alice.table.admit(more, { introducer: mallory.peerId })).map(({ refusal }) => refusal)).toEqual([
      undefined,
      undefined,
    ])
    expect(await alice.table.admit([documentOf(victim)], { introducer: victim.peerId })).toEqual([
      { id: `peer:${victim.peerId}` },
    ])
  })

  it('tells of records of others only, with who introduced them', async () => {
    alice = await openTable(1)
    const told: [PeerId, PeerId | undefined][] = []
    alice.table.onRecord = ({ id }, introducer) => told.push([id, introducer])
    await alice.table.publish({ info: 'mine' })
    await alice.table.admit([documentOf(victim)], { introducer: mallory.peerId })
    expect(told).toEqual([[victim.peerId, mallory.peerId]])
  })
})

describe('judging a record', () => {
  const read = readEnvelope(sealRecord(mallory, recordOf(mallory, { seq: 7, createdMs: 1_000_000 }), NETWORK)) as UnverifiedRecord
  const smaller = read.envelope.map((byte, at) => (at > 32 ? 0 : byte))
  const larger = read.envelope.map((byte, at) => (at > 32 ? 255 : byte))
  const at = (change: Partial<AdmissionContext> = {}): AdmissionContext => ({
    network: NETWORK,
    nowMs: 1_000_000,
    stored: undefined,
    trusted: false,
    isOverRate: false,
    room: {},
    ...change,
  })
  const stored = (seq: number, change: Partial<Stored> = {}): Stored => ({
    seq,
    envelope: larger,
    createdMs: 999_999,
    isExpired: false,
    isForked: false,
    ...change,
  })
  const table: [string, Partial<AdmissionContext>, Judgement][] = [
    ['an unknown peer', {}, undefined],
    ['an older one stored', { stored: stored(6) }, undefined],
    ['a newer one stored', { stored: stored(8) }, 'stale'],
    ['the same one stored', { stored: stored(7, { envelope: read.envelope }) }, 'stale'],
    ['a larger body for the seq', { stored: stored(7) }, 'better'],
    ['a smaller body for the seq', { stored: stored(7, { envelope: smaller }) }, 'worse'],
    ['a larger body of a known liar', { stored: stored(7, { isForked: true }) }, 'better'],
    ['a smaller body of a known liar', { stored: stored(7, { envelope: smaller, isForked: true }) }, 'stale'],
    ['a newer one that expired', { stored: stored(8, { isExpired: true }) }, undefined],
    ['a newer one that expired and was made later', { stored: stored(8, { isExpired: true, createdMs: 1_000_000 }) }, 'stale'],
    ['its seq expired', { stored: stored(7, { isExpired: true }) }, undefined],
    ['its seq made later and expired', { stored: stored(7, { isExpired: true, createdMs: 1_000_001 }) }, 'stale'],
    ['an older seq made later and expired', { stored: stored(6, { isExpired: true, createdMs: 1_000_001 }) }, undefined],
    ['the last moment', { nowMs: 1_000_000 + LIFETIME_MS - 1 }, undefined],
    ['the moment of expiry', { nowMs: 1_000_000 + LIFETIME_MS }, 'expired'],
    ['another body at the moment of expiry', { nowMs: 1_000_000 + LIFETIME_MS, stored: stored(7) }, 'expired'],
    ['an expired one of our own database', { nowMs: 1_000_000 + LIFETIME_MS, trusted: true }, undefined],
    ['one of our own database that is forgotten', { nowMs: 1_000_000 + FORGET_AFTER_MS, trusted: true }, 'expired'],
    ['the skew of clocks', { nowMs: 1_000_000 - CLOCK_SKEW_MS }, undefined],
    ['more than the skew', { nowMs: 1_000_000 - CLOCK_SKEW_MS - 1 }, 'future'],
    ['an author that changes all the time', { stored: stored(6), isOverRate: true }, 'rate'],
    ['a fork of such an author', { stored: stored(7), isOverRate: true }, 'rate'],
    ['an empty quota', { room: 'quota' }, 'quota'],
    ['a full table', { room: 'full' }, 'full'],
    ['a full table that has one to evict', { room: { evicted: victim.peerId } }, undefined],
    ['another network', { network: 'other' }, 'network'],
  ]
  for (const [what, context, judgement] of table) {
    it(`says ${judgement ?? 'yes'} with ${what}`, () => {
      expect(judgeRecord(read, at(context))).toBe(judgement)
    })
  }
})

describe('a full table', () => {
  const own = keyPairOf(1)
  const ruth = keyPairOf(3).peerId
  const nobody = (number: number) => `rs1x${number}` as PeerId
  let index: PeerIndex
  let connected: Set<PeerId>
  let admission: Admission

  beforeEach(() => {
    index = new PeerIndex()
    connected = new Set()
    for (let number = 0; number < TABLE_RECORDS_MAX; number++) fill(number === 0 ? own.peerId : nobody(number))
    const runtime = createTestRuntime({ startMs: STARTED_MS })
    admission = createAdmission({
      own: own.peerId,
      network: NETWORK,
      index,
      budget: new VerifyBudget(runtime, new AbortController().signal),
      nowMs: () => STARTED_MS,
      clock: runtime.clock,
      isConnected: (id) => connected.has(id),
      onOwn() {},
      onFork() {},
      onAdmitted() {},
    })
  })
  const fill = (id: PeerId, { introducer = id === own.peerId ? undefined : ruth, ...change }: Record<string, unknown> = {}) =>
    index.put({
      record: { ...recordOf(own, { createdMs: STARTED_MS }), id, ...change },
      publicKey: own.publicKey,
      envelope: new Uint8Array(),
      introducer: introducer as PeerId | undefined,
      via: undefined,
      isNews: true,
    })
  const bring = async (keyPair: KeyPair, introducer: PeerId) =>
    (await admission.admit([documentOf(keyPair)], { introducer })).verdicts[0]?.refusal

  it(`of ${TABLE_RECORDS_MAX} takes no hearsay, and a peer's own word instead of the last hearsay`, async () => {
    expect(await bring(mallory, keyPairOf(4).peerId)).toBe('full')
    expect(await bring(mallory, mallory.peerId)).toBeUndefined()
    expect(index.size).toBe(TABLE_RECORDS_MAX)
    expect(index.get(nobody(TABLE_RECORDS_MAX - 1))).toBeUndefined()
    expect(index.get(nobody(1))).toBeDefined()
  })

  it('gives the place of what left or expired to anybody', async () => {
    for (const [number, change] of [{ left: true }, { expiresMs: STARTED_MS }].entries()) {
      fill(nobody(9 + number), change)
      expect(await bring(keyPairOf(5 + number), keyPairOf(4).peerId)).toBeUndefined()
      expect(index.get(nobody(9 + number))).toBeUndefined()
      expect(index.size).toBe(TABLE_RECORDS_MAX)
    }
  })

  it('evicts nobody for a forged record', async () => {
    fill(nobody(9), { left: true })
    const forged = documentOfEnvelope(mallory, envelopeBy({ author: mallory, signer: victim }))
    expect((await admission.admit([forged], { introducer: mallory.peerId })).verdicts[0]?.refusal).toBe('signature')
    expect(index.get(nobody(9))).toBeDefined()
  })

  it('of those that told of themselves gives up the last that is gone, and never ours', async () => {
    for (let number = 1; number < TABLE_RECORDS_MAX; number++) fill(nobody(number), { introducer: nobody(number) })
    const last = nobody(TABLE_RECORDS_MAX - 1)
    connected.add(last)
    expect(await bring(mallory, mallory.peerId)).toBeUndefined()
    expect(index.get(last)).toBeDefined()
    expect(index.get(nobody(TABLE_RECORDS_MAX - 2))).toBeUndefined()
    for (const { record } of index.values()) connected.add(record.id)
    expect(await bring(victim, victim.peerId)).toBe('full')
    connected.delete(own.peerId)
    expect(await bring(victim, victim.peerId)).toBe('full')
    expect(index.get(own.peerId)).toBeDefined()
  })
})
