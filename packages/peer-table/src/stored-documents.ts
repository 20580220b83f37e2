import leveldown, { type Iterator, type LevelDown } from 'leveldown'
import { STORED_VALUE_CHARS_MAX } from './limits.ts'

export interface StoredDocuments {
  /** What could not be read, as errors; empty when all was well. */
  readonly damage: readonly unknown[]
  /** Somebody has the database open, so it was let alone. */
  readonly isLocked: boolean
}

type Failure = Error | null | undefined

export interface ReadOptions {
  readonly path: string
  readonly documentsMax: number
  /** Each as soon as it is read: what comes behind it may end the process. */
  readonly onDocument: (document: object) => void
}

/**
 * Whatever documents a leveldb database still tells, however torn it is. PouchDB's adapter takes every byte of its files for
 * its own word and ends the process over a wrong one, so it never gets to see them; leveldb itself does so over keys out of order,
 * so this runs in a process of its own: see `read-apart.ts`. Never rejects.
 */
export async function readStoredDocuments({ path, documentsMax, onDocument }: ReadOptions): Promise<StoredDocuments> {
  const damage: unknown[] = []
  let count = 0
  let broken: Error | undefined
  try {
    const database = await open(path, damage)
    try {
      await readAll(database, (value) => {
        const document = parseDocument(value)
        if (document === 'damaged') broken ??= new Error(`${path} holds values that are no JSON`)
        else if (document && count++ < documentsMax) onDocument(document)
      })
    } finally {
      await settle((done) => database.close(done))
    }
  } catch (error) {
    if (isLocked(error)) return { damage: [], isLocked: true }
    damage.push(error)
  }
  if (broken) damage.push(broken)
  return { damage, isLocked: false }
}

/** Opens it as it is, else after leveldb has put together what it finds in its files. */
async function open(path: string, damage: unknown[]): Promise<LevelDown> {
  try {
    return await openOnce(path)
  } catch (error) {
    if (isLocked(error)) throw error
    damage.push(error)
    await settle((done) => leveldown.repair(path, done))
    return openOnce(path)
  }
}

async function openOnce(path: string): Promise<LevelDown> {
  const database = leveldown(path)
  await settle((done) => database.open({ createIfMissing: false }, done))
  return database
}

/** Somebody has it open; repairing it under their hands would tear it. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && /IO error: lock |LOCK: .*used by another process/.test(error.message)
}

async function readAll(database: LevelDown, see: (value: string) => void): Promise<void> {
  const iterator: Iterator = database.iterator({ keyAsBuffer: false, valueAsBuffer: false })
  try {
    for (;;) {
      const value = await new Promise<string | undefined>((resolve, reject) => {
        iterator.next((error: Failure, key?: string, text?: string) => {
          if (error) reject(error)
          else resolve(key === undefined ? undefined : (text ?? ''))
        })
      })
      if (value === undefined) return
      see(value)
    }
  } finally {
    await settle((done) => iterator.end(done))
  }
}

/** A document among all that PouchDB stores: it has an id, a revision and an envelope. Everything there is JSON. */
function parseDocument(value: string): object | 'damaged' | undefined {
  if (value.length > STORED_VALUE_CHARS_MAX) return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const { _id, _rev, envelope } = parsed as Record<string, unknown>
    return envelope === undefined ? undefined : { _id, _rev, envelope }
  } catch {
    return 'damaged'
  }
}

function settle(call: (done: (error?: Failure) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
}
