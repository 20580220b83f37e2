import type { Log, Runtime } from '@resilient-swarm/contract'
import { createSeededRandom } from './seeded-random.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

export interface TestRuntime extends Runtime {
  readonly clock: VirtualClock
  /** Every line that was logged, as `level: message`. */
  readonly lines: readonly string[]
}

/** A runtime with a virtual clock, seeded chance and a log that is kept. */
export function createTestRuntime({ seed = 1, startMs }: { seed?: number; startMs?: number } = {}): TestRuntime {
  const lines: string[] = []
  const write = (level: string) => (message: string) => void lines.push(`${level}: ${message}`)
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn') }
  return {
    clock: createVirtualClock(startMs === undefined ? {} : { startMs }),
    random: createSeededRandom(seed),
    log,
    lines,
  }
}
