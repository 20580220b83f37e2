import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import leveldown from 'leveldown'
import { readApart } from '../src/read-apart.ts'

type Done = (error?: Error | null) => void
interface WritableDatabase {
  open(done: Done): void
  batch(): { put(key: string, value: string): void; write(done: Done): void }
  close(done: Done): void
}

const COUNT = 20_000
const documentsMax = 2 * COUNT
let path: string
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'read-apart-')), '1')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

/** A database with so many documents. */
async function store(count: number): Promise<void> {
  const database = leveldown(path) as unknown as WritableDatabase
  const settle = (call: (done: Done) => void) =>
    new Promise<void>((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
  await settle((done) => database.open(done))
  const batch = database.batch()
  for (let number = 0; number < count; number++) {
    batch.put(String(number).padStart(8, '0'), JSON.stringify({ _id: `peer:${number}`, _rev: '1-a', envelope: 'AAAA' }))
  }
  await settle((done) => batch.write(done))
  await settle((done) => database.close(done))
}

/** The processes that this one has started and not yet seen end. */
const children = (): Set<number> =>
  new Set(readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number))

it('reads all documents, and as many as are wanted', async () => {
  await store(200)
  expect(await readApart({ path, documentsMax: 200 })).toMatchObject({ documents: { length: 200 }, damage: [], isLocked: false })
  expect(await readApart({ path, documentsMax: 199 })).toMatchObject({ documents: { length: 199 }, damage: [] })
})

it('tells of a database that is not there', async () => {
  expect(await readApart({ path, documentsMax })).toMatchObject({ documents: [], damage: { length: 1 }, isLocked: false })
})

// As leveldb does with the process it runs in, over keys out of order.
const itOnLinux = process.platform === 'linux' ? it : it.skip
if (process.platform !== 'linux') process.stdout.write('skipped: a reader that dies, as only Linux tells which process it is\n')
itOnLinux('goes on when the process that reads dies, and says that the rest is missing', async () => {
  await store(COUNT)
  const before = children()
  const reading = readApart({ path, documentsMax })
  const [reader] = [...children()].filter((pid) => !before.has(pid))
  process.kill(reader as number, 'SIGABRT')
  const { documents, damage, isLocked } = await reading
  expect(documents.length).toBeLessThan(COUNT)
  expect(damage).toEqual([new Error(`${path} could not be read to its end`)])
  expect(isLocked).toBe(false)
})
