import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SALVAGE_TIMEOUT_MS } from './limits.ts'

export interface ReadApart {
  readonly documents: readonly unknown[]
  /** What could not be read, as errors; empty when all was well. */
  readonly damage: readonly unknown[]
  /** Somebody has the database open, so it was let alone. */
  readonly isLocked: boolean
}

/** What the process tells: documents as they are read, and at the end what was wrong. */
interface Told {
  readonly documents?: readonly unknown[]
  readonly damage?: readonly string[]
  readonly isLocked?: boolean
}

// Built beside this file, whether this one runs from `src` or from `dist`.
const program = fileURLToPath(new URL('../dist/stored-documents-process.js', import.meta.url))

/**
 * The documents of a leveldb database, read by a process of its own: over keys out of order leveldb ends the process it runs
 * in, and no torn file may end ours. What was read until then counts. Never rejects.
 */
export function readApart(asked: { readonly path: string; readonly documentsMax: number }): Promise<ReadApart> {
  const documents: unknown[] = []
  let end: Told | undefined
  return new Promise((resolve) => {
    const finish = (cause?: Error): void => {
      const damage = end?.damage?.map((message) => new Error(message)) ?? []
      if (!end) damage.push(cause ?? new Error(`${asked.path} could not be read to its end`))
      resolve({ documents, damage, isLocked: end?.isLocked === true })
    }
    const child = fork(program, { execArgv: [], stdio: 'ignore', timeout: SALVAGE_TIMEOUT_MS, killSignal: 'SIGKILL' })
    child.on('message', (told: Told) => {
      if (told.documents) documents.push(...told.documents)
      else end = told
    })
    child.once('error', finish)
    child.once('close', () => finish())
    child.send(asked, (error) => error && finish(error))
  })
}
