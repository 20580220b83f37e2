import { expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createSeededRandom, createTestRuntime } from '@resilient-swarm/testkit'
import { REWRITE_INTERVAL_MS, SWEEP_INTERVAL_MS } from '../src/limits.ts'
import { documentOf, LIFETIME_MS } from './documents.ts'
import { print } from './print.ts'
import { connect, keyPairOf, type OpenTable, openTable } from './tables.ts'

const SCHEDULES = Number(process.env.SCHEDULES ?? 150)
const TABLES = 4
const AUTHORS = 10
const STEPS = 24
const START_MS = 1_700_000_000_000
const LOST = new SwarmError('The path died.', { code: 'ERR_PATH_LOST' })

/** Real tables, real PouchDB, real replications over channels that die; then peace. */
async function live(seed: number): Promise<{ winners: string[]; leaves: string[]; marked: string[] }> {
  const random = createSeededRandom(seed)
  const pick = (count: number): number => Math.floor(random.fraction() * count)
  const runtime = createTestRuntime({ seed, startMs: START_MS })
  const tables: OpenTable[] = []
  for (let number = 0; number < TABLES; number++) tables.push(await openTable(1 + number, runtime))
  const seqs = Array.from({ length: AUTHORS }, () => 0)
  let links: { readonly ends: readonly number[]; abort(): void }[] = []

  const link = (one: number, other: number): void => {
    if (one === other || links.some(({ ends }) => ends.includes(one) && ends.includes(other))) return
    const { channels } = connect(tables[one] as OpenTable, tables[other] as OpenTable)
    links.push({ ends: [one, other], abort: () => channels[pick(2)]?.abort(LOST) })
  }
  const cut = (isCut: (ends: readonly number[]) => boolean): void => {
    for (const { ends, abort } of links) if (isCut(ends)) abort()
    links = links.filter(({ ends }) => !isCut(ends))
  }
  const say = (author: number): Promise<unknown> => {
    seqs[author] = (seqs[author] as number) + (pick(6) === 0 ? 1 + pick(400) : 1)
    const keyPair = keyPairOf(4000 + author)
    const document = documentOf(keyPair, { seq: seqs[author] as number, createdMs: runtime.clock.now(), left: pick(12) === 0 })
    return (tables[author % TABLES] as OpenTable).table.admit([document], { introducer: keyPair.peerId })
  }
  const restart = async (number: number): Promise<void> => {
    cut((ends) => ends.includes(number))
    const { table, keyPair } = tables[number] as OpenTable
    table.destroy()
    await table.close()
    // In memory nothing lasts: it begins at 1 and finds its counter in the swarm.
    tables[number] = await openTable(1 + number, runtime)
    expect(tables[number]?.keyPair.peerId).toBe(keyPair.peerId)
  }

  for (let step = 0; step < STEPS; step++) {
    const what = random.fraction()
    // A check may have to wait for its turn, which comes by the clock.
    let said: Promise<unknown> | undefined
    if (what < 0.4) said = say(pick(AUTHORS))
    else if (what < 0.65) link(pick(TABLES), pick(TABLES))
    else if (what < 0.75) cut(() => random.fraction() < 0.5)
    else if (what < 0.85) await tables[pick(TABLES)]?.table.publish({ info: step })
    else if (what < 0.9) await restart(pick(TABLES))
    else await runtime.clock.advance(pick(8) === 0 ? LIFETIME_MS : 5_000)
    await runtime.clock.advance(Math.max(1, pick(200)))
    await said
  }
  cut(() => true)
  for (let one = 0; one < TABLES; one++) for (let other = 0; other < one; other++) link(one, other)
  await runtime.clock.advance(REWRITE_INTERVAL_MS + 2 * SWEEP_INTERVAL_MS)

  const winners = tables.map(({ table }) =>
    table.records
      .map(({ id, seq, left, createdMs }) => `${id} ${seq} ${left} ${createdMs}`)
      .sort()
      .join('\n'),
  )
  const leaves: string[] = []
  for (const { table } of tables) {
    for (const { id } of (await table.db.allDocs()).rows) {
      const found = (await table.db.get(id, { open_revs: 'all' })) as unknown as { ok: { _rev: string } }[]
      const seq = table.get(id.slice('peer:'.length) as never)?.seq
      if (found.length !== 1 || (seq !== undefined && !found[0]?.ok._rev.startsWith(`${seq}-`)))
        leaves.push(`${id}: ${found.map(({ ok }) => ok._rev)} instead of ${seq}`)
    }
  }
  const honest = new Set(seqs.map((_, author) => keyPairOf(4000 + author).peerId))
  const marked = tables.flatMap(({ table }) => [...table.forked].filter((id) => honest.has(id)))
  for (const { table } of tables) table.destroy()
  for (const { table } of tables) await table.close()
  return { winners, leaves, marked }
}

it(`${SCHEDULES} random lives of real tables end with the same records everywhere and one leaf a document`, async () => {
  const isReplay = process.env.SEED !== undefined
  const firstSeed = Number(process.env.SEED ?? Date.now() & 0x7fff_ffff)
  const startMs = performance.now()
  for (let at = 0; at < (isReplay ? 1 : SCHEDULES); at++) {
    const seed = firstSeed + at
    const { winners, leaves, marked } = await live(seed)
    expect({ seed, winners, leaves, marked }).toEqual({ seed, winners: winners.map(() => winners[0]), leaves: [], marked: [] })
  }
  print(`convergence, replicated: SEED=${firstSeed}, ${Math.round(performance.now() - startMs)} ms`)
}, 120_000)
