import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BULK_GET_KEYS_MAX, RECORD_BYTES_MAX, SEQ_MAX } from '../src/limits.ts'
import { encodeViewMessage, INSTANCE_BYTES, KEY_BYTES, parseViewMessage, type ViewMessage } from '../src/view-messages.ts'

const RUNS = { numRuns: 1000, seed: Date.now() & 0x7fff_ffff }

const instance = fc.uint8Array({ minLength: INSTANCE_BYTES, maxLength: INSTANCE_BYTES })
const key = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES })
const number = fc.integer({ min: 0, max: SEQ_MAX })
const place = fc.integer({ min: 1, max: SEQ_MAX })
const envelope = fc.uint8Array({ minLength: 1, maxLength: 200 })
const change = fc
  .record({ feedSeq: place, key, seq: place, envelope: fc.option(envelope, { nil: undefined }) })
  .map(({ envelope: bytes, ...rest }) => ({ ...rest, ...(bytes ? { envelope: bytes } : {}) }))

const anyMessage: fc.Arbitrary<ViewMessage> = fc.oneof(
  fc.record({ type: fc.constant('info' as const), instance, feedSeq: number, count: number }),
  fc.record({ type: fc.constant('subscribe' as const), instance, since: number, full: fc.boolean() }),
  fc.record({ type: fc.constant('changes' as const), changes: fc.array(change, { minLength: 1, maxLength: 5 }) }),
  fc.record({ type: fc.constant('done' as const), feedSeq: number }),
  fc.record({ type: fc.constant('caughtUp' as const), feedSeq: number }),
  fc.record({
    type: fc.constant('bulkGet' as const),
    request: number,
    keys: fc.array(key, { minLength: 1, maxLength: BULK_GET_KEYS_MAX }),
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
    const keys = (count: number) => Array.from({ length: count }, () => new Uint8Array(KEY_BYTES))
    expect(parseViewMessage(encodeViewMessage({ type: 'bulkGet', request: 1, keys: keys(BULK_GET_KEYS_MAX) }))).toBeDefined()
    expect(
      parseViewMessage(encodeViewMessage({ type: 'bulkGet', request: 1, keys: keys(BULK_GET_KEYS_MAX + 1) })),
    ).toBeUndefined()
    const documents = (bytes: number) =>
      encodeViewMessage({ type: 'documents', request: 1, last: true, envelopes: [new Uint8Array(bytes)] })
    expect(parseViewMessage(documents(RECORD_BYTES_MAX))).toBeDefined()
    expect(parseViewMessage(documents(RECORD_BYTES_MAX + 1))).toBeUndefined()
    expect(parseViewMessage(documents(0))).toBeUndefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [] }))).toBeUndefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'bulkGet', request: 1, keys: [] }))).toBeUndefined()
    const change = { feedSeq: 1, key: new Uint8Array(KEY_BYTES), seq: 1 }
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [change] }))).toBeDefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [{ ...change, seq: 0 }] }))).toBeUndefined()
    expect(parseViewMessage(encodeViewMessage({ type: 'changes', changes: [{ ...change, feedSeq: 0 }] }))).toBeUndefined()
    expect(parseViewMessage(Uint8Array.of())).toBeUndefined()
    expect(parseViewMessage(Uint8Array.of(8))).toBeUndefined()
  })
})
