import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createRuntime, decodeBase64Url, encodeBase64Url, type PeerId, type SwarmError } from '@resilient-swarm/contract'
import { createSeededRandom, createTestRuntime } from '@resilient-swarm/testkit'
import { createPeerTable, type PeerTable, type PeerTableOptions } from '../src/index.ts'
import { PUBLISH_BURST, SWEEP_INTERVAL_MS } from '../src/limits.ts'
import { documentOf } from './documents.ts'
import { keyPairOf, NETWORK } from './tables.ts'

const alice = keyPairOf(1)
const others = Array.from({ length: 20 }, (_, number) => keyPairOf(100 + number))
let folder: string
let told: SwarmError[]
const open: PeerTable[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peer-table-'))
  told = []
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((table) => table.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function live(change: Partial<PeerTableOptions> = {}): Promise<PeerTable> {
  const onError = (error: SwarmError) => void told.push(error)
  const table = await createPeerTable({ keyPair: alice, network: NETWORK, runtime: createRuntime(), folder, onError, ...change })
  open.push(table)
  return table
}

async function end(table: PeerTable): Promise<void> {
  open.splice(open.indexOf(table), 1)
  await table.close()
}

const knownTo = (table: PeerTable): Set<PeerId> => new Set(table.records.map(({ id }) => id))
const everybody = new Set([alice, ...others].map(({ peerId }) => peerId))
const databases = (): string[] => readdirSync(folder)
const files = (): string[] => {
  const database = join(folder, databases()[0] as string)
  return readdirSync(database, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(database, name))
}
const fileNamed = (pattern: RegExp): string => {
  const found = files().find((path) => pattern.test(path))
  if (!found) throw new Error(`no file ${pattern} among ${files().join(', ')}`)
  return found
}

/** One life in which the table learned of the others. */
async function firstLife(): Promise<number> {
  const table = await live()
  await table.admit(others.map((keyPair) => documentOf(keyPair)))
  expect(knownTo(table)).toEqual(everybody)
  const { seq } = table.own
  await end(table)
  return seq
}

describe('a table with a folder', () => {
  it('knows in its next life whom it knew, and goes on above its own counter', async () => {
    const seq = await firstLife()
    const table = await live()
    expect(knownTo(table)).toEqual(everybody)
    expect(table.own.seq).toBeGreaterThan(seq)
    expect((await table.db.info()).doc_count).toBe(everybody.size)
    expect(told).toEqual([])
    expect(databases()).toHaveLength(1)
  })

  it('takes nothing for granted that lies there: a forged record is not let in again', async () => {
    const table = await live()
    const [bob] = others
    const document = documentOf(bob as typeof alice)
    await table.admit([document])
    const envelope = decodeBase64Url(document.envelope) as Uint8Array
    envelope[40] = (envelope[40] as number) ^ 1 // in the signature
    const { rows } = await table.db.allDocs({ include_docs: true })
    const stored = rows.find(({ id }) => id === document._id)?.doc as { _rev: string }
    const forged = { ...document, _rev: '2-00000000000000000000000000000000', envelope: encodeBase64Url(envelope) }
    const start = { start: 2, ids: ['00000000000000000000000000000000', stored._rev.slice(2)] }
    await table.db.bulkDocs({ docs: [{ ...forged, _revisions: start }], new_edits: false })
    await end(table)
    expect(knownTo(await live())).toEqual(new Set([alice.peerId]))
  })

  it('remembers who expired, for a day', async () => {
    await firstLife()
    const table = await live({ nowMs: () => Date.now() + 3_600_000 })
    expect(knownTo(table)).toEqual(new Set([alice.peerId]))
    expect(others.every(({ peerId }) => table.get(peerId))).toBe(true)
  })

  it('was never closed: what was written is there', async () => {
    const table = await live()
    await table.admit(others.map((keyPair) => documentOf(keyPair)))
    // What a killed process leaves: its files as they are, and no goodbye.
    const [database] = databases() as [string]
    const left = mkdtempSync(join(tmpdir(), 'peer-table-'))
    try {
      mkdirSync(join(left, database))
      for (const path of files()) copyFileSync(path, join(left, database, path.split('/').at(-1) as string))
      const next = await createPeerTable({ keyPair: alice, network: NETWORK, runtime: createRuntime(), folder: left })
      expect(knownTo(next)).toEqual(everybody)
      await next.close()
    } finally {
      rmSync(left, { recursive: true, force: true })
    }
  })

  it('says so when another table is at work there, and neither loses anything', async () => {
    const first = await live()
    await first.admit([documentOf(others[0] as typeof alice)])
    const second = await live({ keyPair: keyPairOf(2) })
    expect(told).toMatchObject([{ code: 'ERR_TABLE_SHARED' }])
    await second.admit([documentOf(others[1] as typeof alice)])
    await Promise.all([end(first), end(second)])
    const known = [alice, keyPairOf(2), others[0], others[1]].map((keyPair) => (keyPair as typeof alice).peerId)
    expect(knownTo(await live())).toEqual(new Set(known))
    expect(databases()).toHaveLength(1)
  })
})

describe('a torn table', () => {
  const NUMBERS = /\/\d+\.(ldb|log)$/
  const garble = (path: string) => {
    const seed = Date.now() & 0xffff_ffff
    const random = createSeededRandom(seed)
    const bytes = new Uint8Array(readFileSync(path))
    for (let count = 0; count < 200; count++)
      bytes[Math.floor(random.fraction() * bytes.length)] = Math.floor(random.fraction() * 256)
    writeFileSync(path, bytes)
    process.stdout.write(`garbled ${path.split('/').at(-1)} by seed ${seed}\n`)
  }
  /** Wounds, and whether leveldb's own repair must bring everybody back. */
  const WOUNDS: readonly (readonly [string, () => void, 'whole' | 'rest'])[] = [
    ['an empty CURRENT', () => truncateSync(fileNamed(/CURRENT$/), 0), 'whole'],
    ['a garbled CURRENT', () => writeFileSync(fileNamed(/CURRENT$/), 'nonsense\n'), 'whole'],
    ['no CURRENT', () => rmSync(fileNamed(/CURRENT$/)), 'whole'],
    ['an empty MANIFEST', () => truncateSync(fileNamed(/MANIFEST/), 0), 'whole'],
    ['a garbled MANIFEST', () => garble(fileNamed(/MANIFEST/)), 'rest'],
    ['half of its data', () => truncateSync(fileNamed(NUMBERS), readFileSync(fileNamed(NUMBERS)).length >> 1), 'rest'],
    ['garbled data', () => garble(fileNamed(NUMBERS)), 'rest'],
    ['no data', () => rmSync(fileNamed(NUMBERS)), 'rest'],
    ['nothing but noise', () => files().forEach(garble), 'rest'],
    [
      'a file where its folder was',
      () => {
        const path = join(folder, databases()[0] as string)
        rmSync(path, { recursive: true })
        writeFileSync(path, 'noise')
      },
      'rest',
    ],
  ]
  for (const form of ['log', 'ldb'] as const) {
    it.each(WOUNDS)(`with %s (${form}) starts, tells, works, and is whole again in the third life`, async (_, wound, hope) => {
      await firstLife()
      if (form === 'ldb') await compact()
      wound()
      const second = await live()
      if (hope === 'whole') expect(knownTo(second)).toEqual(everybody)
      if (hope === 'whole') expect(told.map(({ code }) => code)).toEqual(['ERR_TABLE_DAMAGED'])
      await second.admit(others.map((keyPair) => documentOf(keyPair, { seq: 2 })))
      expect(knownTo(second)).toEqual(everybody)
      await end(second)
      told = []
      const third = await live()
      expect(knownTo(third)).toEqual(everybody)
      expect(told).toEqual([])
      expect(databases()).toHaveLength(1)
    })
  }

  /** What leveldb does after a while: its log becomes a table. */
  async function compact(): Promise<void> {
    const { default: leveldown } = (await import('leveldown')) as unknown as { default: Repairing }
    await new Promise<void>((resolve, reject) => {
      leveldown.repair(join(folder, databases()[0] as string), (error) => (error ? reject(error) : resolve()))
    })
    expect(files().some((path) => path.endsWith('.ldb'))).toBe(true)
  }
  type Repairing = { repair(path: string, done: (error?: Error | null) => void): void }
})

describe('a folder that cannot be written', () => {
  it('is told once; the table goes on in memory', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const onError = (error: SwarmError) => void told.push(error)
    const options = { keyPair: alice, network: NETWORK, runtime: createRuntime(), folder: join(file, 'table'), onError }
    const table = await createPeerTable(options)
    open.push(table)
    for (let count = 0; count < PUBLISH_BURST - 2; count++) await table.publish({ info: count })
    await table.admit(others.map((keyPair) => documentOf(keyPair)))
    expect(knownTo(table)).toEqual(everybody)
    expect(told).toMatchObject([{ code: 'ERR_TABLE_STORE', retryable: true }])
  })
})

describe('a full disk', () => {
  const isRoot = process.getuid?.() === 0
  let mounted = false
  beforeEach(() => {
    if (!isRoot) return
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' })
      mounted = true
    } catch {} // not in every container
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((table) => table.close()))
    if (mounted) execFileSync('umount', [folder])
    mounted = false
  })

  it('is told once, stops nothing, and the table is written anew when there is room', async () => {
    if (!mounted) {
      process.stdout.write('skipped: a full disk takes root, and a mount of tmpfs\n')
      return
    }
    const runtime = createTestRuntime()
    const table = await live({ runtime, folder: join(folder, 'table') })
    const ballast = join(folder, 'ballast')
    for (let free = true; free; ) {
      try {
        writeFileSync(ballast, new Uint8Array(4096), { flag: 'a' })
      } catch {
        free = false
      }
    }
    const createdMs = runtime.clock.now()
    for (let seq = 1; seq <= 3; seq++) {
      const admitted = table.admit(others.map((keyPair) => documentOf(keyPair, { seq, createdMs, info: 'x'.repeat(500) })))
      for (let turn = 0; turn < 3; turn++) await runtime.clock.advance(10) // signatures are checked some a turn
      await admitted
    }
    expect(knownTo(table)).toEqual(everybody)
    expect(told).toMatchObject([{ code: 'ERR_TABLE_STORE', cause: expect.anything() }])
    rmSync(ballast)
    await runtime.clock.advance(SWEEP_INTERVAL_MS)
    await table.admit([documentOf(others[0] as typeof alice, { seq: 4, createdMs })]) // resolves behind the writing anew
    expect((await table.db.info()).doc_count).toBe(everybody.size)
    await end(table)
    told = []
    expect(knownTo(await live({ nowMs: () => createdMs, folder: join(folder, 'table') }))).toEqual(everybody)
    expect(told).toEqual([])
  })
})
