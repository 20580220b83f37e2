import { expect, it, jest } from '@jest/globals'
import type { Ancestry } from '../src/revision.ts'
import { print } from './print.ts'
import type { CheapDocument } from './schedule.ts'

const SCHEDULES = Number(process.env.SCHEDULES ?? 10_000)
/** Schedules between breaths, so that the runner can tell how far it is. */
const CHUNK = 500

// The same admission, index, revisions and store as everywhere; only bytes and signatures are spared, and revisions remembered.
const real = {
  envelope: await import('../src/record-envelope.ts'),
  revision: await import('../src/revision.ts'),
}
const remembered = new WeakMap<Uint8Array, Map<number, string>>()
function revisionOf(key: Uint8Array, seq: number): string {
  const known = remembered.get(key) ?? new Map<number, string>()
  const revision = known.get(seq) ?? real.revision.revisionOf(key, seq)
  known.set(seq, revision)
  remembered.set(key, known)
  return revision
}
function ancestryOf(key: Uint8Array, seq: number, stored?: number): Ancestry {
  const lowest = seq - lengthOf(seq, stored)
  const ids: string[] = []
  for (let position = seq; position > lowest; position--) ids.push(revisionOf(key, position).slice(`${position}-`.length))
  return { start: seq, ids }
}
const lengths = new Map<string, number>()
/** How long the real stretch is: its own business, asked once for each distance. */
function lengthOf(seq: number, stored: number = seq): number {
  const name = seq > 600 ? `${seq - stored}` : `${seq} ${stored}`
  const length = lengths.get(name) ?? real.revision.ancestryOf(new Uint8Array(32), seq, stored).ids.length
  lengths.set(name, length)
  return length
}
jest.unstable_mockModule('../src/revision.ts', () => ({ ...real.revision, revisionOf, ancestryOf }))
jest.unstable_mockModule('../src/record-envelope.ts', () => ({
  ...real.envelope,
  readDocument: (document: CheapDocument) => ({ document, read: document.read }),
  toDocument: (
    { record, publicKey, envelope }: { record: { id: string; seq: number }; publicKey: Uint8Array; envelope: Uint8Array },
    stored?: number,
  ) => {
    const { id, ...rest } = record
    return {
      _id: real.envelope.documentIdOf(id),
      _rev: revisionOf(publicKey, record.seq),
      _revisions: ancestryOf(publicKey, record.seq, stored),
      read: { id, key: publicKey, name: shortNameOf(publicKey), payload: { network: 'schedule', ...rest }, envelope },
    }
  },
}))
const { shortNameOf } = await import('../src/short-name.ts')
const { AUTHORS, runSchedule } = await import('./schedule.ts')
const { keyPairOf } = await import('./tables.ts')

it(`${SCHEDULES} random lives of ${AUTHORS} authors end with the same winners everywhere and one leaf a document`, async () => {
  const isReplay = process.env.SEED !== undefined
  const firstSeed = Number(process.env.SEED ?? Date.now() & 0x7fff_ffff)
  print(`convergence: SEED=${firstSeed}`)
  const keys = Array.from({ length: AUTHORS }, (_, number) => keyPairOf(5000 + number))
  const counts: Record<string, number> = {}
  const startMs = performance.now()
  for (let at = 0; at < (isReplay ? 1 : SCHEDULES); at++) {
    const seed = firstSeed + at
    const outcome = await runSchedule(seed, keys)
    const [first] = outcome.winners
    if (outcome.winners.some((winners) => winners !== first) || outcome.broken.length + outcome.slandered.length > 0) {
      expect({ seed, winners: outcome.winners, broken: outcome.broken, slandered: outcome.slandered }).toEqual({
        seed,
        winners: outcome.winners.map(() => first),
        broken: [],
        slandered: [],
      })
    }
    for (const [what, number] of Object.entries(outcome.counts)) counts[what] = (counts[what] ?? 0) + number
    if (at % CHUNK === CHUNK - 1) await new Promise((resolve) => setImmediate(resolve))
  }
  print(`convergence: ${Math.round(performance.now() - startMs)} ms ${JSON.stringify(counts)}`)
  if (isReplay) return
  for (const what of ['restart', 'database lost', 'counter lost', 'counter found', 'fork', 'fork seen', 'expired']) {
    expect({ what, happened: (counts[what] ?? 0) > SCHEDULES / 100 }).toEqual({ what, happened: true })
  }
  expect(counts.rate ?? 0).toBe(0)
}, 600_000)
