import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BULK_GET_NAMES_MAX, DIGEST_BUCKETS_MAX, RECORD_BYTES_MAX, SEQ_MAX, TABLE_RECORDS_MAX } from '../src/limits.ts'
import { type ShortName, shortNameOf } from '../src/short-name.ts'
import { encodeViewMessage, INSTANCE_BYTES, parseViewMessage, type ViewMessage } from '../src/view-messages.ts'

const ENVELOPE_BYTES_MIN = 97
const RUNS = { numRuns: 1000, seed: Date.now() & 0x7fff_ffff }

const instance = fc.uint8Array({ minLength: INSTANCE_BYTES, maxLength: INSTANCE_BYTES })
const name = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(shortNameOf)
const number = fc.integer({ min: 0, max: SEQ_MAX })
const place = fc.integer({ min: 1, max: SEQ_MAX })
const envelope = fc.uint8Array({ minLength: ENVELOPE_BYTES_MIN, maxLength: 200 })
const change = fc.oneof(
  fc.record({ step: place, envelope }),
  fc.record({ step: place, name, check: fc.nat({ max: 0xffff }), seq: place }),
)
const digest = fc.record({
  salt: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  sums: fc.nat({ max: 5 }).chain((power) => fc.uint32Array({ minLength: 2 ** power, maxLength: 2 ** power })),
})

const anyMessage: fc.Arbitrary<ViewMessage> = fc.oneof(
  fc.record({ type: fc.constant('info' as const), instance, feedSeq: number, count: number }),
  fc.record({ type: fc.constant('subscribe' as const), since: number, ahead: fc.nat({ max: TABLE_RECORDS_MAX }) }),
  fc.record({ type: fc.constant('subscribe' as const), since: number, ahead: fc.constant(0), digest }),
  fc.record({ type: fc.constant('pace' as const), eager: fc.boolean() }),
  fc.record({ type: fc.constant('changes' as const), changes: fc.array(change, { minLength: 1, maxLength: 5 }) }),
  fc.record({ type: fc.constant('done' as const), feedSeq: number }),
  fc.record({ type: fc.constant('caughtUp' as const), feedSeq: number }),
  fc.record({
    type: fc.constant('bulkGet' as const),
    request: number,
    names: fc.array(name, { minLength: 1, maxLength: BULK_GET_NAMES_MAX }),
  }),
  fc.record({
    type: fc.constant('documents' as const),
    request: number,
    last: fc.boolean(),
    envelopes: fc.array(envelope, { maxLength: 5 }),
  }),
)

describe(`view messages (seed ${RUNS.seed})`, () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(anyMessage, (message) => expect(parseViewMessage(encodeViewMessage(message))).toEqual(message)),
      RUNS,
    )
  })

  it('have one spelling, and are refused, never thrown, when they are any bytes', () => {
    fc.assert(
      fc.property(
        anyMessage,
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        (message, bytes, at, value) => {
          const changed = encodeViewMessage(message)
          changed[at % changed.byteLength] = value
          for (const candidate of [bytes, changed, changed.subarray(0, at % changed.byteLength)]) {
            const parsed = parseViewMessage(candidate)
            if (parsed) expect(encodeViewMessage(parsed)).toEqual(Uint8Array.from(candidate))
          }
        },
      ),
      RUNS,
    )
  })

  it('are refused over their limits', () => {
    const zeros = shortNameOf(new Uint8Array(8))
    const names = (count: number): ShortName[] => Array.from({ length: count }, () => zeros)
    expect(parseViewMessage(encodeViewMessage({ type: 'bulkGet', request: 1, names: names(BULK_GET_NAMES_MAX) }))).toBeDefined()
    expect(
      parseViewMessage(encodeViewMessage({ type: 'bulkGet', request: 1, names: names(BULK_GET_NAMES_MAX + 1) })),
    ).toBeUndefined()
    const documents = (bytes: number) =>
      encodeViewMessage({ type: 'documents', request: 1, last: true, envelopes: [new Uint8Array(bytes)] })
    expect(parseViewMessage(documents(RECORD_BYTES_MAX))).toBeDefined()
    expect(parseViewMessage(documents(RECORD_BYTES_MAX + 1))).toBeUndefined()
    expect(parseViewMessage(documents(ENVELOPE_BYTES_MIN))).toBeDefined()
    expect(parseViewMessage(documents(ENVELOPE_BYTES_MIN - 1))).toBeUndefined()
    expect(parseViewMessage(documents(0))).toBeUndefined()
    const subscribe = (buckets: number, ahead = 0) =>
      encodeViewMessage({
        type: 'subscribe',
        since: 0,
        ahead,
        digest: { salt: new Uint8Array(8), sums: new Uint32Array(buckets) },
      })
    for (const buckets of [1, 2, DIGEST_BUCKETS_MAX]) expect(parseViewMessage(subscribe(buckets))).toBeDefined()
    for (const buckets of [0, 3, 2 * DIGEST_BUCKETS_MAX]) expect(parseViewMessage(subscribe(buckets))).toBeUndefined()
    expect(parseViewMessage(subscribe(1, TABLE_RECORDS_MAX))).toBeDefined()
    expect(parseViewMessage(subscribe(1, TABLE_RECORDS_MAX + 1))).toBeUndefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [] }))).toBeUndefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'bulkGet', request: 1, names: [] }))).toBeUndefined()
    const change = { step: 1, name: zeros, check: 0, seq: 1 }
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [change] }))).toBeDefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [{ ...change, seq: 0 }] }))).toBeUndefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [{ ...change, step: 0 }] }))).toBeUndefined()
    expect(parseViewMessage(Uint8Array.of())).toBeUndefined()
    expect(parseViewMessage(Uint8Array.of(9))).toBeUndefined()
  })
})
