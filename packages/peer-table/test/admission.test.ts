import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { concatBytes, createRuntime, encodeBase64Url, encodeVarint, type PeerId, utf8 } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import { type AdmissionContext, judgeRecord, type Refusal } from '../src/admission.ts'
import {
  CLOCK_SKEW_MS,
  FORGET_AFTER_MS,
  INTRODUCED_RECORDS_MAX,
  RECORD_BYTES_MAX,
  SEQ_MAX,
  TABLE_RECORDS_MAX,
} from '../src/limits.ts'
import { encodeRecord } from '../src/peer-record.ts'
import { readEnvelope, sealRecord, type UnverifiedRecord } from '../src/record-envelope.ts'
import { revisionOf } from '../src/revision.ts'
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
  'a version that nobody knows': { document: () => spelled(encodeVarint(2), payloadOf().subarray(1)), refusal: 'shape' },
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

  it('keeps the first of two bodies for one seq and marks the author, but not for a forged second one', async () => {
    alice = await openTable(1)
    const first = documentOf(mallory, { seq: 3, info: 'first' })
    await alice.table.admit([first])
    const forged = documentOfEnvelope(
      mallory,
      envelopeBy({ author: mallory, signer: victim, payload: encodeRecord(recordOf(mallory, { seq: 3 }), NETWORK) }),
      3,
    )
    expect(await alice.table.admit([forged])).toMatchObject([{ refusal: 'signature' }])
    expect([...alice.table.forked]).toEqual([])
    expect(await alice.table.admit([documentOf(mallory, { seq: 3, info: 'second' })])).toMatchObject([{ refusal: 'stale' }])
    expect(alice.table.get(mallory.peerId)?.info).toBe('first')
    expect([...alice.table.forked]).toEqual([mallory.peerId])
    await alice.table.admit([documentOf(mallory, { seq: 4, info: 'third' })])
    expect(alice.table.get(mallory.peerId)?.info).toBe('third')
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
  const other = readEnvelope(
    sealRecord(mallory, recordOf(mallory, { seq: 7, createdMs: 1_000_001 }), NETWORK),
  ) as UnverifiedRecord
  const at = (change: Partial<AdmissionContext> = {}): AdmissionContext => ({
    network: NETWORK,
    nowMs: 1_000_000,
    introducer: victim.peerId,
    stored: undefined,
    trusted: false,
    introducedCount: 0,
    isFull: false,
    ...change,
  })
  const stored = (seq: number, { envelope = other.envelope, isExpired = false } = {}) => ({ seq, envelope, isExpired })
  const table: [string, Partial<AdmissionContext>, Refusal | 'again' | undefined][] = [
    ['an unknown peer', {}, undefined],
    ['an older one stored', { stored: stored(6) }, undefined],
    ['a newer one stored', { stored: stored(8) }, 'stale'],
    ['the same one stored', { stored: stored(7, { envelope: read.envelope }) }, 'stale'],
    ['another body for the seq', { stored: stored(7) }, 'again'],
    ['a newer one that expired', { stored: stored(8, { isExpired: true }) }, undefined],
    ['the last moment', { nowMs: 1_000_000 + LIFETIME_MS - 1 }, undefined],
    ['the moment of expiry', { nowMs: 1_000_000 + LIFETIME_MS }, 'expired'],
    ['an expired one of our own database', { nowMs: 1_000_000 + LIFETIME_MS, trusted: true }, undefined],
    ['one of our own database that is forgotten', { nowMs: 1_000_000 + FORGET_AFTER_MS, trusted: true }, 'expired'],
    ['the skew of clocks', { nowMs: 1_000_000 - CLOCK_SKEW_MS }, undefined],
    ['more than the skew', { nowMs: 1_000_000 - CLOCK_SKEW_MS - 1 }, 'future'],
    ['the last of a quota', { introducedCount: INTRODUCED_RECORDS_MAX - 1 }, undefined],
    ['an empty quota', { introducedCount: INTRODUCED_RECORDS_MAX }, 'quota'],
    ['a known peer of an empty quota', { introducedCount: INTRODUCED_RECORDS_MAX, stored: stored(1) }, undefined],
    ['its own word and an empty quota', { introducedCount: INTRODUCED_RECORDS_MAX, introducer: mallory.peerId }, undefined],
    ['a full table', { isFull: true }, 'full'],
    ['a full table that knows it', { isFull: true, stored: stored(1) }, undefined],
    ['another network', { network: 'other' }, 'network'],
  ]
  for (const [what, context, judgement] of table) {
    it(`says ${judgement ?? 'yes'} with ${what}`, () => {
      expect(judgeRecord(read, at(context))).toBe(judgement)
    })
  }
})

it(`holds ${TABLE_RECORDS_MAX} records, makes room for a peer's own word, and never drops ours`, async () => {
  const { createAdmission } = await import('../src/admission.ts')
  const { PeerIndex } = await import('../src/peer-index.ts')
  const { VerifyBudget } = await import('../src/verify-budget.ts')
  const index = new PeerIndex()
  const own = keyPairOf(1)
  for (let number = 0; number < TABLE_RECORDS_MAX; number++) {
    const id = (number === 0 ? own.peerId : `rs1x${number}`) as PeerId
    const record = { ...recordOf(own, { createdMs: Date.now() - 1000 + number / 10 }), id }
    index.put({
      record,
      publicKey: own.publicKey,
      envelope: new Uint8Array(),
      introducer: number === 0 ? undefined : victim.peerId,
      via: undefined,
    })
  }
  const admission = createAdmission({
    own: own.peerId,
    network: NETWORK,
    index,
    budget: new VerifyBudget(createRuntime()),
    nowMs: Date.now,
    signal: new AbortController().signal,
    onOwn() {},
    onFork() {},
    onAdmitted() {},
  })
  const document = documentOf(mallory)
  expect((await admission.admit([document], { introducer: keyPairOf(3).peerId })).verdicts).toMatchObject([{ refusal: 'full' }])
  expect((await admission.admit([document], { introducer: mallory.peerId })).verdicts).toEqual([{ id: document._id }])
  expect(index.size).toBe(TABLE_RECORDS_MAX)
  expect(index.get('rs1x1' as PeerId)).toBeUndefined()
  expect(index.get(own.peerId)).toBeDefined()
  // What left makes room for anybody.
  index.put({
    ...(index.get('rs1x9' as PeerId) as never as { record: never }),
    record: { ...recordOf(own), id: 'rs1x9' as PeerId, left: true },
  } as never)
  expect(
    (await admission.admit([documentOf(keyPairOf(4))], { introducer: keyPairOf(3).peerId })).verdicts[0]?.refusal,
  ).toBeUndefined()
  expect(index.get('rs1x9' as PeerId)).toBeUndefined()
})
