import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SwarmError } from '@resilient-swarm/contract'

const TRIES = 3

/**
 * One process a folder: `lock` names it. A process that was killed leaves its lock behind, and the next one takes it over. Throws
 * `ERR_FOLDER_BUSY` while its process lives, and what the platform says when it cannot be written.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'lock')
  const own = `${process.pid} ${startOf(process.pid) ?? ''}`
  for (let attempt = 1; ; attempt++) {
    try {
      writeFileSync(path, own, { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const found = read(path)
    if (found !== undefined && isHeld(found)) throw busyError(folder, found)
    if (attempt === TRIES) throw busyError(folder, found ?? '')
    takeAway(path, found)
  }
  return () => {
    if (read(path) === own) rmSync(path, { force: true })
  }
}

/** Takes away the lock that was judged, and no other: of two that find it stale, the slower would take the faster one's. */
function takeAway(path: string, judged: string | undefined): void {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (judged !== undefined && read(aside) !== judged) renameSync(aside, path)
  } catch {} // somebody else was faster
  rmSync(aside, { force: true })
}

function isHeld(lock: string): boolean {
  const [pid, start] = lock.split(' ')
  const number = Number(pid)
  if (!Number.isSafeInteger(number) || number < 1) return false // torn while it was written
  try {
    process.kill(number, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(number)
  return now !== 'ended' && (now === undefined || start === '' || now === start)
}

/** When a process started, in ticks since boot: numbers of processes are used again. Undefined where the system does not tell. */
function startOf(pid: number): string | 'ended' | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // proc(5): the name in parentheses may hold anything; the state is the first field behind it, the start the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function busyError(folder: string, lock: string): SwarmError<'ERR_FOLDER_BUSY'> {
  const message = `${folder} is in use by process ${lock.split(' ', 1)[0]}: a folder is one node. End it, or give this one a folder of its own.`
  return new SwarmError(message, { code: 'ERR_FOLDER_BUSY', retryable: true })
}
