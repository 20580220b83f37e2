import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Random, SwarmError } from '@resilient-swarm/contract'
import { lockFolder } from './folder-lock.ts'
import { type Home, type HomeOptions, homeless } from './home.ts'
import { MEMORY_BYTES_MAX } from './limits.ts'
import { writeWhole } from './write-whole.ts'

const SEED_BYTES = 32
const OURS_ALONE = 0o700

/**
 * A folder that is one node: its seed, its table, and what it remembers of others. Throws `ERR_FOLDER_BUSY` when another process
 * has it, `ERR_SEED_FILE` for a seed that is none: it never becomes another node by itself. `ERR_FOLDER` when it cannot be used.
 */
export function openHome({ folder, seed, runtime }: HomeOptions): Home {
  if (folder === undefined) return homeless(seed)
  const path = resolve(folder)
  let trouble: SwarmError | undefined
  let unlock = (): void => {}
  try {
    mkdirSync(path, { recursive: true, mode: OURS_ALONE })
    unlock = lockFolder(path)
  } catch (error) {
    if (error instanceof SwarmError) throw error
    trouble = folderError(path, error)
  }
  try {
    const memory = join(path, 'memory.json')
    return {
      seed: seed ?? readSeed(join(path, 'seed')) ?? writeSeed(join(path, 'seed'), runtime.random),
      tableFolder: join(path, 'table'),
      trouble,
      recall: async () => readIfThere(memory, MEMORY_BYTES_MAX)?.toString('utf8'),
      keep: async (_, text) => writeWhole(memory, text),
      leave: unlock,
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Undefined only where there is no file: whatever else is there is somebody's identity, and never replaced. */
function readSeed(path: string): Uint8Array | undefined {
  let bytes: Buffer | undefined
  try {
    bytes = readIfThere(path, SEED_BYTES + 1)
  } catch (cause) {
    throw seedError(path, 'cannot be read', cause)
  }
  if (bytes === undefined) return undefined
  if (bytes.byteLength !== SEED_BYTES)
    throw seedError(path, `has ${bytes.byteLength > SEED_BYTES ? 'more than 32' : bytes.byteLength} bytes instead of 32`)
  if (bytes.every((byte) => byte === 0)) throw seedError(path, 'is empty of all but zeros, as after a power cut')
  return new Uint8Array(bytes)
}

function writeSeed(path: string, random: Random): Uint8Array {
  const seed = random.bytes(SEED_BYTES)
  try {
    writeWhole(path, seed)
  } catch (cause) {
    throw folderError(path, cause)
  }
  return seed
}

function readIfThere(path: string, bytesMax: number): Buffer | undefined {
  try {
    return readFileSync(path).subarray(0, bytesMax)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function seedError(path: string, what: string, cause?: unknown): SwarmError<'ERR_SEED_FILE'> {
  const message = `${path} ${what}. Put a copy of it back to be the same node again, or delete it to become a new one.`
  return new SwarmError(message, { code: 'ERR_SEED_FILE', cause })
}

function folderError(path: string, cause: unknown): SwarmError<'ERR_FOLDER'> {
  const message = `${path} cannot be written; is there room, and may this process write there?`
  return new SwarmError(message, { code: 'ERR_FOLDER', cause })
}
