import { fileURLToPath } from 'node:url'
import { CLEAR, type LineShape } from './lane.ts'
import type { Namespace } from './namespaces.ts'
import { startTalker } from './talker.ts'

/** A cable between two namespaces that can be slow, lossy and out of order, changed while it carries packets. */
export interface Line {
  /** Changes both directions, or the one towards an end. */
  shape(change: Partial<LineShape>, towards?: 'a' | 'b' | 'both'): Promise<void>
  /** Packets so far, by the end that they go to. */
  counters(): Promise<Record<'a' | 'b', Record<string, number>>>
}

export interface LineEnd {
  readonly namespace: Namespace
  /** Its name inside the namespace. */
  readonly device: string
}

const program = fileURLToPath(new URL('./line-host.js', import.meta.url))
const START_TIMEOUT_MS = 10_000

/** Lays a line between two ends, both devices down and without addresses. It ends with its process, which ends with this one. */
export async function layLine({ a, b, shape = CLEAR }: { a: LineEnd; b: LineEnd; shape?: Partial<LineShape> }): Promise<Line> {
  const far = `${a.device}-far` // both devices begin in the namespace of end a, where the process runs
  const talker = startTalker(a.namespace.inside([process.execPath, program, a.device, far]), `line ${a.namespace.name}`)
  await talker.next('ready', { timeoutMs: START_TIMEOUT_MS })
  await a.namespace.ip(`link set ${far} netns ${b.namespace.name} name ${b.device}`)
  const line: Line = {
    shape: async (change, towards = 'both') => void (await talker.ask('shape', { shape: change, towards })),
    counters: async () => (await talker.ask('counters')) as Record<'a' | 'b', Record<string, number>>,
  }
  await line.shape(shape)
  return line
}
