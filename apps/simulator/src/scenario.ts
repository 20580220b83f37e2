import type { Outcome } from './report.ts'
import type { SimulatedSwarm, SwarmOptions } from './swarm.ts'

/** What a scenario is given for one run. */
export interface RunOptions {
  readonly nodes: number
  readonly seed: number
  /** Makes the run's swarm; what is not said is as in production. */
  readonly swarm: (options?: Omit<SwarmOptions, 'seed'>) => SimulatedSwarm
}

/** One question to a swarm, with the answer that the project promises. */
export interface Scenario {
  readonly name: string
  /** One line for the list. */
  readonly summary: string
  /** How many nodes it is about; each with every seed. */
  readonly sizes: readonly number[]
  run(options: RunOptions): Promise<Outcome>
}
