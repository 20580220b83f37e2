import { expect, it } from '@jest/globals'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { ANCESTRY_LENGTH } from '../src/limits.ts'
import { adapter, PouchDB } from '../src/pouchdb-node.ts'
import { print } from './print.ts'
import { openTwin } from './twin-database.ts'

const SCHEDULES = 150
const WRITES = 14

it(`the storage of the convergence schedules has the leaves and winners of PouchDB after every write of ${SCHEDULES} random histories`, async () => {
  const firstSeed = Number(process.env.SEED ?? Date.now() & 0x7fff_ffff)
  print(`twin of PouchDB: SEED=${firstSeed}`)
  const real = new PouchDB(`twin-${process.pid}`, { adapter, revs_limit: ANCESTRY_LENGTH, auto_compaction: true })
  const twin = openTwin('twin', ANCESTRY_LENGTH)
  let conflicts = 0
  for (let schedule = 0; schedule < SCHEDULES; schedule++) {
    const seed = firstSeed + schedule
    const random = createSeededRandom(seed)
    const pick = (count: number): number => Math.floor(random.fraction() * count)
    // Two lines of one document: by forks, stretches and holes of any kind both databases must become the same.
    const idAt = (line: number, position: number, forkAt: number): string =>
      `${position}${position > forkAt ? line : 0}`.padStart(32, '0')
    const forkAt = pick(20)
    const _id = `peer:${schedule}`
    for (let write = 0; write < WRITES; write++) {
      const line = pick(2)
      const start = 1 + pick(40)
      const length = 1 + pick(Math.min(start, 2 * ANCESTRY_LENGTH))
      const ids = Array.from({ length }, (_, at) => idAt(line, start - at, forkAt))
      const document = { _id, _rev: `${start}-${ids[0]}`, _revisions: { start, ids }, envelope: `${seed} ${write}` }
      await Promise.all([real, twin].map((db) => db.bulkDocs({ docs: [document], new_edits: false })))
      const found = (await real.get(_id, { open_revs: 'all' })) as unknown as { ok: { _rev: string; envelope: string } }[]
      const { _rev, envelope } = await real.get(_id)
      const leaves = twin.leavesOf(_id)
      expect({ seed, write, leaves: leaves.map(({ name }) => name).sort(), winner: twin.winnerOf(_id) }).toEqual({
        seed,
        write,
        leaves: found.map(({ ok }) => ok._rev).sort(),
        winner: { _id, _rev, envelope },
      })
      if (leaves.length > 1) conflicts++
    }
  }
  expect(conflicts).toBeGreaterThan(SCHEDULES)
  expect((await twin.allDocs()).rows).toHaveLength((await real.allDocs()).rows.length)
  await Promise.all([real.destroy(), twin.destroy()])
}, 60_000)
