import { describe, expect, it } from '@jest/globals'
import { concatBytes, utf8 } from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import fc from 'fast-check'
import type { Json, PeerRecord } from '../src/index.ts'
import {
  INFO_BYTES_MAX,
  INFO_DEPTH_MAX,
  LINK_RTT_MS_MAX,
  LINKS_MAX,
  NETWORK_BYTES_MAX,
  RECORD_BYTES_MAX,
  SEQ_MAX,
} from '../src/limits.ts'
import { encodeInfo, encodeRecord, idOfKey, type NamedLink, parseRecord, toPeerRecord } from '../src/peer-record.ts'
import { readEnvelope, sealRecord } from '../src/record-envelope.ts'
import { bytesOfName, SHORT_NAME_BYTES, type ShortName, shortNameOf } from '../src/short-name.ts'
import { recordOf } from './documents.ts'
import { keyPairOf } from './tables.ts'

const RUNS = { numRuns: 1000, seed: Date.now() & 0x7fff_ffff }
const KEY_BYTES = 32
const alice = keyPairOf(1)
const keys = Array.from({ length: LINKS_MAX + 1 }, (_, number) => keyPairOf(100 + number).peerId)

const anyInfo = fc
  .jsonValue({ maxDepth: 4 })
  .map((info) => JSON.parse(JSON.stringify(info)) as Json) // −0 is 0
  .filter((info) => JSON.stringify(info).length <= INFO_BYTES_MAX / 4)
const anyRecord: fc.Arbitrary<PeerRecord> = fc
  .record({
    seq: fc.integer({ min: 1, max: SEQ_MAX }),
    createdMs: fc.integer({ min: 0, max: 2 ** 50 }),
    lifeMs: fc.integer({ min: 1, max: 2 ** 40 }),
    relay: fc.boolean(),
    left: fc.boolean(),
    info: fc.option(anyInfo, { nil: undefined }),
    links: fc.uniqueArray(
      fc.record({ key: fc.constantFrom(...keys), tenths: fc.integer({ min: 0, max: LINK_RTT_MS_MAX * 10 }) }),
      {
        selector: ({ key }) => key,
        maxLength: LINKS_MAX,
      },
    ),
  })
  .map(({ lifeMs, info, links, ...record }) => ({
    ...record,
    id: alice.peerId,
    expiresMs: record.createdMs + lifeMs,
    links: links.map(({ key, tenths }) => ({ key, rttMs: tenths / 10 })),
    ...(info === undefined ? {} : { info: info as Json }),
  }))
const idsByName = new Map(keys.map((key) => [shortNameOf(publicKeyOf(key)), key]))
/** Bytes that were changed may name anybody: a key that begins as the name does is as good as the right one. */
const resolve = (links: readonly NamedLink[]) =>
  links.map(({ name, rttMs }) => ({ key: idsByName.get(name) ?? idOfKey(anyKeyOf(name)), rttMs }))
const anyKeyOf = (name: ShortName) => concatBytes(bytesOfName(name), new Uint8Array(KEY_BYTES - SHORT_NAME_BYTES))
const byKey = (record: PeerRecord) => ({
  ...record,
  links: [...record.links].sort((one, other) => (one.key < other.key ? -1 : 1)),
})

describe(`records (seed ${RUNS.seed})`, () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom('n', 'public', 'ö'.repeat(NETWORK_BYTES_MAX / 2)), (record, network) => {
        const payload = parseRecord(encodeRecord(record, network))
        expect(payload?.network).toBe(network)
        if (payload) expect(byKey(toPeerRecord(alice.peerId, payload, resolve))).toEqual(byKey(record))
        expect(payload).toBeDefined()
      }),
      RUNS,
    )
  })

  it('have one spelling: whatever parses is spelled the same again', () => {
    fc.assert(
      fc.property(
        anyRecord,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
        (record, changes) => {
          const bytes = encodeRecord(record, 'public')
          for (const [at, value] of changes) bytes[at % bytes.byteLength] = value
          const payload = parseRecord(bytes)
          if (payload) expect(encodeRecord(toPeerRecord(alice.peerId, payload, resolve), payload.network)).toEqual(bytes)
        },
      ),
      RUNS,
    )
  })

  it('are refused, never thrown, when they are any bytes, cut short, or go on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: RECORD_BYTES_MAX }), anyRecord, fc.nat(), (bytes, record, cut) => {
        parseRecord(bytes)
        readEnvelope(bytes)
        const whole = encodeRecord(record, 'public')
        expect(parseRecord(whole.subarray(0, cut % whole.byteLength))).toBeUndefined()
        expect(parseRecord(Uint8Array.from([...whole, 0]))).toBeUndefined()
      }),
      RUNS,
    )
  })

  it('hold as many links and as much info as they may, together', () => {
    const links = keys.slice(0, LINKS_MAX).map((key) => ({ key, rttMs: LINK_RTT_MS_MAX }))
    const record = recordOf(alice, { seq: SEQ_MAX, links, info: 'x'.repeat(INFO_BYTES_MAX - 2) })
    const envelope = sealRecord(alice, record, 'n'.repeat(NETWORK_BYTES_MAX))
    expect(envelope.byteLength).toBeLessThanOrEqual(RECORD_BYTES_MAX)
    expect(readEnvelope(envelope)).toMatchObject({ id: alice.peerId })
    const more = { ...record, links: [...links, { key: keys[LINKS_MAX] as (typeof keys)[number], rttMs: 1 }] }
    expect(parseRecord(encodeRecord(more, 'n'))).toBeUndefined()
    expect(parseRecord(encodeRecord(record, 'n'.repeat(NETWORK_BYTES_MAX + 1)))).toBeUndefined()
    const slower = { ...record, links: [{ key: keys[0] as (typeof keys)[number], rttMs: LINK_RTT_MS_MAX + 0.1 }] }
    expect(parseRecord(encodeRecord(slower, 'n'))).toBeUndefined()
  })

  it('refuse links out of order or twice', () => {
    const [one, other] = [keys[0], keys[1]] as [(typeof keys)[number], (typeof keys)[number]]
    const bytes = encodeRecord(
      recordOf(alice, {
        links: [
          { key: one, rttMs: 0 },
          { key: other, rttMs: 0 },
        ],
      }),
      'n',
    )
    const linkBytes = SHORT_NAME_BYTES + 1
    const head = bytes.subarray(0, -2 * linkBytes)
    const [first, second] = [bytes.subarray(-2 * linkBytes, -linkBytes), bytes.subarray(-linkBytes)]
    expect(parseRecord(Uint8Array.from([...head, ...first, ...second]))).toBeDefined()
    expect(parseRecord(Uint8Array.from([...head, ...second, ...first]))).toBeUndefined()
    expect(parseRecord(Uint8Array.from([...head, ...first, ...first]))).toBeUndefined()
  })

  it('tell of the first of two links that have one name', () => {
    const names = [1, 2].map((last) => idOfKey(concatBytes(new Uint8Array(KEY_BYTES - 1).fill(7), Uint8Array.of(last))))
    const links = names.map((key, at) => ({ key, rttMs: at }))
    expect(parseRecord(encodeRecord(recordOf(alice, { links }), 'n'))?.links).toEqual([{ name: '07'.repeat(8), rttMs: 0 }])
  })
})

describe('info', () => {
  it('is at most its bytes and levels', () => {
    const nested = (levels: number): Json => (levels === 0 ? 1 : [nested(levels - 1)])
    expect(encodeInfo('x'.repeat(INFO_BYTES_MAX - 2))).toHaveLength(INFO_BYTES_MAX)
    expect(() => encodeInfo('x'.repeat(INFO_BYTES_MAX - 1))).toThrow(RangeError)
    expect(encodeInfo(nested(INFO_DEPTH_MAX))).toBeDefined()
    expect(() => encodeInfo(nested(INFO_DEPTH_MAX + 1))).toThrow(RangeError)
  })

  for (const [name, info] of [
    ['nothing', undefined],
    ['NaN', [Number.NaN]],
    ['an undefined property', { a: undefined }],
    ['a hole', new Array(1)],
    ['a date', new Date(0)],
    ['a map', { a: new Map([[1, 2]]) }],
    ['bytes', Uint8Array.of(1)],
  ] as const) {
    it(`is a TypeError when it is ${name}, which JSON would change`, () => {
      expect(() => encodeInfo(info as unknown as Json)).toThrow(TypeError)
    })
  }

  for (const text of ['{"a":1,"a":2}', '{ "a":1}', '1.0', '-0', '1e2', '"\\u0061"', '{', '[1,]', '1e999', '']) {
    it(`is refused when spelled ${text || 'with nothing'}`, () => {
      const bytes = encodeRecord(recordOf(alice, { info: 'ab' }), 'n')
      const at = bytes.byteLength - 1 - 4 - 1 // link count, "ab" in its quotes, its length
      const info = utf8(text)
      const changed = Uint8Array.from([...bytes.subarray(0, at), info.byteLength, ...info, 0])
      expect(parseRecord(bytes)?.info).toBe('ab')
      expect(parseRecord(changed)).toBeUndefined()
    })
  }
})
