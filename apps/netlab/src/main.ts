import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { createLab } from './lab.ts'
import { sweepDeadRuns } from './namespaces.ts'
import { whatIsMissing } from './requirements.ts'
import type { Outcome, Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

interface Options {
  readonly json?: boolean
  readonly rounds?: number | undefined
  readonly minutes?: number | undefined
}

const tell = (line: string) => void process.stderr.write(`${line}\n`)

/** The last line with `--json`: one object for all that ran. */
type Report = Record<string, { passed: boolean; skipped?: string; failed?: string } & Partial<Outcome>>

async function runScenarios(names: readonly string[], { json = false, rounds, minutes }: Options): Promise<void> {
  const report: Report = {}
  for (const scenario of findScenarios(names)) {
    const missing = whatIsMissing()
    if (missing) {
      tell(`skipped ${scenario.name}: ${missing}`)
      report[scenario.name] = { passed: true, skipped: missing }
      continue
    }
    try {
      const outcome = await runInLab(scenario, { rounds, minutes })
      report[scenario.name] = { passed: outcome.bars.every(({ passed }) => passed), ...outcome }
      if (!json) print(scenario, outcome)
    } catch (error) {
      tell(`${scenario.name} could not be played to its end: ${(error as Error).stack}`)
      report[scenario.name] = { passed: false, failed: (error as Error).message }
    }
  }
  if (Object.values(report).some(({ passed }) => !passed)) process.exitCode = 1
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
}

async function runInLab(scenario: Scenario, { rounds, minutes }: Pick<Options, 'rounds' | 'minutes'>): Promise<Outcome> {
  const lab = await createLab()
  try {
    return await scenario.run({ lab, rounds, minutes, tell: (line) => tell(`${scenario.name}: ${line}`) })
  } finally {
    lab.close()
  }
}

function findScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.includes('all')) return SCENARIOS
  if (names.includes('quick')) return SCENARIOS.filter(({ quick }) => quick)
  return names.map((name) => {
    const scenario = SCENARIOS.find((known) => known.name === name)
    if (!scenario) throw new InvalidArgumentError(`There is no scenario ${name}; 'list' shows them all.`)
    return scenario
  })
}

function print({ name, summary }: Scenario, { rows, bars }: Outcome): void {
  const plain = { head: [], border: [] }
  const seen = new Table({ head: Object.keys(rows[0] ?? {}), style: plain })
  seen.push(...rows.map((row) => Object.values(row).map(String)))
  const promised = new Table({ head: ['promise', 'measured', 'bar', ''], style: plain })
  promised.push(...bars.map(({ what, measured, bar, passed }) => [what, String(measured), bar, passed ? 'kept' : 'BROKEN']))
  process.stdout.write(`${name}: ${summary}\n${seen.toString()}\n${promised.toString()}\n`)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!(count > 0)) throw new InvalidArgumentError('It is a number above zero.')
  return count
}

// Leaving by process.exit runs what removes the lab.
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const // 128 + the signal's number, as a shell says it
for (const [signal, code] of Object.entries(EXIT_CODES)) process.once(signal, () => process.exit(code))

const program = new Command('netlab').description('Real nodes in network namespaces: NATs, cut links, slow and lossy ones.')
program
  .command('run', { isDefault: true })
  .description("some scenarios by name, or 'quick', or 'all'")
  .argument('<scenario...>')
  .option('--json', 'print one JSON object as the last line')
  .option('--rounds <count>', 'how often to repeat what is repeated', parseCount)
  .option('--minutes <count>', 'how long to watch what is watched', parseCount)
  .action(runScenarios)
program
  .command('list')
  .description('the scenarios')
  .action(() => {
    for (const { name, quick, summary } of SCENARIOS) process.stdout.write(`${name}${quick ? ' (quick)' : ''}: ${summary}\n`)
  })
program
  .command('clean')
  .description('removes what killed runs left behind')
  .action(() => {
    for (const name of sweepDeadRuns()) process.stdout.write(`removed ${name}\n`)
  })
await program.parseAsync()
