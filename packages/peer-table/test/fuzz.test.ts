import { expect, it } from '@jest/globals'
import { concatBytes } from '@resilient-swarm/contract'
import { createSeededRandom, quickestMs } from '@resilient-swarm/testkit'
import { encodeRecord, parseRecord, toPeerRecord } from '../src/peer-record.ts'
import { shortNameOf } from '../src/short-name.ts'
import { encodeViewMessage, parseViewMessage, type ViewMessage } from '../src/view-messages.ts'
import { recordOf } from './documents.ts'
import { keyPairOf, NETWORK } from './tables.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3_000)
const SLOWEST_MS = 50
const seed = Date.now() & 0x7fff_ffff
const [alice, bob, carol] = [1, 2, 3].map(keyPairOf) as [ReturnType<typeof keyPairOf>, ...ReturnType<typeof keyPairOf>[]]

/** Some bytes become others, some go, some come, some are there twice. */
function createMutations() {
  const random = createSeededRandom(seed)
  const below = (count: number) => Math.floor(random.fraction() * count)
  return (bytes: Uint8Array): Uint8Array => {
    let changed = Uint8Array.from(bytes)
    for (let changes = 1 + below(3); changes > 0; changes--) {
      const at = below(changed.byteLength + 1)
      const [before, after] = [changed.subarray(0, at), changed.subarray(at)]
      const kind = below(5)
      if (kind === 0) changed = concatBytes(before, random.bytes(1 + below(4)), after) as Uint8Array<ArrayBuffer>
      else if (kind === 1) changed = concatBytes(before, after.subarray(1 + below(4))) as Uint8Array<ArrayBuffer>
      else if (kind === 2) changed = concatBytes(before, before.subarray(below(at + 1)), after) as Uint8Array<ArrayBuffer>
      else if (kind === 3) changed[at % changed.byteLength] = [0, 1, 0x7f, 0x80, 0xff][below(5)] as number
      else changed[at % changed.byteLength] = below(256)
      if (changed.byteLength === 0) return changed
    }
    return changed
  }
}

it(`${RUNS} changed records are refused or have one spelling (seed ${seed})`, () => {
  const mutate = createMutations()
  const records = [
    recordOf(alice, {}),
    recordOf(alice, { servers: ['ws://10.0.0.7:6688/', 'wss://door.example/a'], relay: true }),
    recordOf(alice, {
      links: [bob, carol].map((pair) => ({ key: (pair as typeof alice).peerId, rttMs: 12.5 })),
      info: { name: 'alice', tags: [1, null, { a: 'b' }] },
    }),
    recordOf(alice, { left: true, servers: ['ws://[2001:db8::7]:6688/'] }),
  ].map((record) => encodeRecord(record, NETWORK))
  let slowestMs = 0
  let taken = 0
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutate(records[run % records.length] as Uint8Array)
    const startedMs = performance.now()
    const payload = parseRecord(bytes)
    if (payload) {
      taken++
      // By their names alone links cannot be spelt again; everything else can.
      if (payload.links.length === 0) {
        const record = toPeerRecord(alice.peerId, payload, () => [])
        expect(encodeRecord(record, payload.network)).toEqual(bytes)
      }
    }
    const tookMs = performance.now() - startedMs
    if (tookMs > SLOWEST_MS)
      slowestMs = Math.max(
        slowestMs,
        quickestMs(() => parseRecord(bytes)),
      )
  }
  expect(taken).toBeGreaterThan(RUNS / 50)
  expect(slowestMs).toBeLessThan(SLOWEST_MS)
})

it(`${RUNS} changed view messages are refused or have one spelling (seed ${seed})`, () => {
  const mutate = createMutations()
  const key = (pair: typeof alice) => shortNameOf(pair.publicKey)
  const envelope = concatBytes(alice.publicKey, new Uint8Array(70).fill(7))
  const messages: ViewMessage[] = [
    { type: 'info', instance: new Uint8Array(16), feedSeq: 300, count: 7 },
    { type: 'subscribe', since: 5, ahead: 9, digest: { salt: new Uint8Array(8), sums: Uint32Array.of(1, 2, 3, 4) } },
    {
      type: 'changes',
      changes: [
        { step: 3, name: key(alice), check: 9, seq: 2 },
        { step: 1, envelope },
      ],
    },
    { type: 'done', feedSeq: 300 },
    { type: 'caughtUp', feedSeq: 300 },
    { type: 'bulkGet', request: 1, names: [key(alice)] },
    { type: 'documents', request: 1, last: true, envelopes: [envelope, envelope] },
    { type: 'pace', eager: true },
  ]
  const encoded = messages.map(encodeViewMessage)
  let slowestMs = 0
  let taken = 0
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutate(encoded[run % encoded.length] as Uint8Array)
    const startedMs = performance.now()
    const message = parseViewMessage(bytes)
    if (message) {
      taken++
      expect(encodeViewMessage(message)).toEqual(bytes)
    }
    const tookMs = performance.now() - startedMs
    if (tookMs > SLOWEST_MS)
      slowestMs = Math.max(
        slowestMs,
        quickestMs(() => parseViewMessage(bytes)),
      )
  }
  expect(taken).toBeGreaterThan(RUNS / 50)
  expect(slowestMs).toBeLessThan(SLOWEST_MS)
})
