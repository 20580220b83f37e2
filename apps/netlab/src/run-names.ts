import { readFileSync } from 'node:fs'

const PREFIX = 'rsnetlab'

/** Who made a namespace: a process, and when it began, because numbers of processes come back. */
export interface RunId {
  readonly processId: number
  /** In clock ticks since the machine started (proc(5), field 22). */
  readonly startTicks: number
}

/** The run that this process is. */
export function ownRun(): RunId {
  const startTicks = readStartTicks(process.pid)
  if (startTicks === undefined) throw new Error('there is no /proc: network namespaces are a matter of Linux')
  return { processId: process.pid, startTicks }
}

/** Unique on this machine, and says whether its maker still lives. */
export function namespaceName({ processId, startTicks }: RunId, leaf: string): string {
  if (!/^[a-z0-9-]{1,40}$/.test(leaf)) throw new RangeError(`not a name for a host: ${leaf}`)
  return `${PREFIX}-${processId}-${startTicks}-${leaf}`
}

/** The run that made a namespace; undefined for a namespace that is none of ours. */
export function parseNamespaceName(name: string): RunId | undefined {
  const { processId, startTicks } = /^rsnetlab-(?<processId>\d+)-(?<startTicks>\d+)-[a-z0-9-]+$/.exec(name)?.groups ?? {}
  return processId === undefined ? undefined : { processId: Number(processId), startTicks: Number(startTicks) }
}

export function isAlive({ processId, startTicks }: RunId): boolean {
  return readStartTicks(processId) === startTicks
}

function readStartTicks(processId: number): number | undefined {
  try {
    return parseStartTicks(readFileSync(`/proc/${processId}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** The program's name stands in parentheses before and may hold anything, parentheses and blanks too. */
export function parseStartTicks(stat: string): number {
  const fieldsFromThird = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fieldsFromThird[19])
}
