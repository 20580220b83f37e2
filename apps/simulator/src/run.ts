import { type Bar, round } from './report.ts'
import type { Scenario } from './scenario.ts'
import { SimulatedSwarm } from './swarm.ts'

/** One scenario, played once. */
export interface Run {
  readonly scenario: string
  readonly nodes: number
  readonly seed: number
  readonly passed: boolean
  readonly bars: readonly Bar[]
  readonly figures: Readonly<Record<string, number | string>>
  /** Why it could not be played to its end. */
  readonly failed?: string
  /** Where the round trips came from. */
  readonly latency: string
  readonly virtualSeconds: number
  readonly realSeconds: number
  /** Of this process's own work: a busy machine does not make it more. */
  readonly cpuSeconds: number
  /** Fingerprint of every delivered message: the same for the same code, scenario, size and seed. */
  readonly trace: string
  readonly deliveries: number
}

export async function runScenario(scenario: Scenario, { nodes, seed }: { nodes: number; seed: number }): Promise<Run> {
  const beginMs = performance.now()
  const cpuBefore = process.cpuUsage()
  let swarm: SimulatedSwarm | undefined
  const facts = () => ({
    scenario: scenario.name,
    nodes,
    seed,
    latency: swarm?.latencySource ?? '',
    virtualSeconds: round((swarm?.clock.nowMs ?? 0) / 1_000),
    realSeconds: round((performance.now() - beginMs) / 1_000),
    cpuSeconds: round(cpuSecondsSince(cpuBefore)),
    trace: swarm?.trace.hash ?? '',
    deliveries: swarm?.trace.deliveries ?? 0,
  })
  try {
    const { bars, figures } = await scenario.run({
      nodes,
      seed,
      swarm(options = {}) {
        swarm = new SimulatedSwarm({ ...options, seed })
        return swarm
      },
    })
    const rounded = Object.entries(figures).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value])
    return { ...facts(), passed: bars.every(({ passed }) => passed), bars, figures: Object.fromEntries(rounded) }
  } catch (error) {
    return { ...facts(), passed: false, bars: [], figures: {}, failed: (error as Error).message }
  }
}

function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000_000
}
