import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { type Run, runScenario } from './run.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

interface Options {
  readonly nodes?: number
  readonly seed?: number
  readonly seeds: number
  readonly json?: boolean
}

const tell = (line: string) => void process.stderr.write(`${line}\n`)

async function runScenarios(names: readonly string[], { nodes, seed, seeds, json = false }: Options): Promise<void> {
  const chosenSeeds = seed === undefined ? Array.from({ length: seeds }, (_, index) => index + 1) : [seed]
  const runs: Run[] = []
  for (const scenario of findScenarios(names)) {
    for (const size of nodes === undefined ? scenario.sizes : [nodes]) {
      for (const chosen of chosenSeeds) {
        const run = await runScenario(scenario, { nodes: size, seed: chosen })
        tell(inOneLine(run))
        runs.push(run)
      }
    }
  }
  if (runs.some(({ passed }) => !passed)) process.exitCode = 1
  if (json) process.stdout.write(`${JSON.stringify(runs, undefined, 1)}\n`)
  else print(runs)
}

function findScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.includes('all')) return SCENARIOS
  return names.map((name) => {
    const scenario = SCENARIOS.find((known) => known.name === name)
    const known = SCENARIOS.map((one) => one.name).join(', ')
    if (!scenario) throw new InvalidArgumentError(`There is no scenario ${name}; there are all, ${known}.`)
    return scenario
  })
}

function inOneLine({ scenario, nodes, seed, passed, realSeconds, cpuSeconds, bars, failed }: Run): string {
  const told = failed ?? bars.map(({ what, measured, unit, bar }) => `${what}: ${measured} ${unit} (${bar})`).join('; ')
  return `${passed ? 'kept  ' : 'BROKEN'} ${scenario}, ${nodes} nodes, seed ${seed}, ${realSeconds} s (CPU ${cpuSeconds} s): ${told}`
}

function print(runs: readonly Run[]): void {
  const table = new Table({
    head: ['scenario', 'nodes', 'seed', 'promise', 'measured', 'bar', ''],
    style: { head: [], border: [] },
  })
  for (const { scenario, nodes, seed, bars } of runs) {
    for (const { what, measured, unit, bar, passed } of bars) {
      table.push([scenario, nodes, seed, what, `${measured} ${unit}`, bar, passed ? 'kept' : 'BROKEN'])
    }
  }
  process.stdout.write(`${table.toString()}\n`)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('It is an integer above zero.')
  return count
}

const program = new Command('simulate').description(
  'Thousands of nodes on a virtual clock: the table, mesh and routing of production.',
)
program
  .command('run', { isDefault: true })
  .description("some scenarios by name, or 'all'")
  .argument('<scenario...>')
  .option('--nodes <count>', "how many nodes; each scenario's own sizes otherwise", parseCount)
  .option('--seed <number>', 'this seed alone', parseCount)
  .option('--seeds <count>', 'seeds 1 to so many', parseCount, 3)
  .option('--json', 'print everything that was measured as one JSON text')
  .action(runScenarios)
program
  .command('list')
  .description('the scenarios')
  .action(() => {
    for (const { name, sizes, summary } of SCENARIOS) process.stdout.write(`${name} (${sizes.join(', ')} nodes): ${summary}\n`)
  })
await program.parseAsync()
