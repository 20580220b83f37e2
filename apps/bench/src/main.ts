import { createSignalServer } from '@resilient-swarm/signal-server'
import Table from 'cli-table3'
import { Command } from 'commander'
import { measureBundle } from './measure-bundle.ts'
import { measureCalls } from './measure-calls.ts'
import { connectPair, type LinkPlan, measurePingUnderLoad, measureRoundTrips, measureSpeed } from './measure-link.ts'
import { measureMemory } from './measure-memory.ts'
import { startNodeParticipant } from './node-participant.ts'
import { servePage, startPageParticipant } from './page-participant.ts'

const MIB = 1024 * 1024
const IN_NODE: LinkPlan = {
  rounds: 7,
  transferBytes: 64 * MIB,
  rawBufferedBytes: 256 * 1024,
  pings: 2_000,
  calls: 20_000,
  inFlight: 64,
}
const IN_CHROMIUM: LinkPlan = {
  rounds: 5,
  transferBytes: 24 * MIB,
  rawBufferedBytes: 64 * 1024,
  pings: 500,
  calls: 5_000,
  inFlight: 64,
}

/** What the project promises; printed beside the figure. */
const BARS: Record<string, string> = {
  substreamOverRaw: '≥ 0.85 in Node, ≥ 0.80 in Chromium',
  callOverRawConnect: '≤ 2',
  callP95OverMedian: '≤ 3',
  rpcOverRawRtt: '≤ 1.5',
  rpcPerSecond: '≥ 20000',
  pingUnderLoadMs: '≤ 50',
  rssPerPeerKiB: '≤ 400',
  bundleGzipKiB: '≤ 60 core, ≤ 100 full',
}

interface LinkOptions {
  readonly browser?: boolean
  readonly json?: boolean
  readonly only?: string
  readonly rounds?: string
}

const PARTS = ['speed', 'roundtrips', 'load', 'calls', 'memory', 'bundle'] as const

async function link({ browser = false, json = false, only, rounds }: LinkOptions): Promise<void> {
  const tell = (line: string) => process.stderr.write(`${line}\n`)
  const wanted = new Set<string>(only ? only.split(',') : PARTS)
  for (const part of wanted)
    if (!PARTS.includes(part as (typeof PARTS)[number])) throw new RangeError(`--only knows ${PARTS.join(', ')}`)
  const plan = { ...(browser ? IN_CHROMIUM : IN_NODE), ...(rounds ? { rounds: Number(rounds) } : {}) }
  const server = await createSignalServer({ host: '127.0.0.1', port: 0 })
  const figures: Record<string, unknown> = { platform: browser ? 'chromium' : 'node' }
  try {
    if (['speed', 'roundtrips', 'load'].some((part) => wanted.has(part))) {
      Object.assign(figures, await measurePair({ browser, plan, wanted, signalUrl: server.url, tell }))
    }
    if (!browser && wanted.has('calls')) Object.assign(figures, await measureCalls({ signalUrl: server.url, rounds: 60, tell }))
    if (!browser && wanted.has('memory')) Object.assign(figures, await measureMemory({ signalUrl: server.url, peers: 12, tell }))
    if (wanted.has('bundle')) Object.assign(figures, await measureBundle())
  } finally {
    await server.close()
  }
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else print(figures)
}

async function measurePair(options: {
  browser: boolean
  plan: LinkPlan
  wanted: ReadonlySet<string>
  signalUrl: string
  tell: (line: string) => void
}) {
  const { browser, plan, wanted, signalUrl, tell } = options
  const page = browser ? await servePage() : undefined
  const start = () => (page ? startPageParticipant(page.url) : startNodeParticipant())
  const [alice, bob] = await Promise.all([start(), start()])
  try {
    const pair = { alice, bob }
    await connectPair(pair, signalUrl)
    return {
      ...(wanted.has('speed') ? await measureSpeed(pair, plan, tell) : {}),
      ...(wanted.has('roundtrips') ? await measureRoundTrips(pair, plan, tell) : {}),
      ...(wanted.has('load') ? await measurePingUnderLoad(pair, plan, tell) : {}),
    }
  } finally {
    await Promise.all([alice.kill(), bob.kill()])
    page?.close()
  }
}

function print(figures: Record<string, unknown>): void {
  const table = new Table({ head: ['figure', 'measured', 'bar'], style: { head: [], border: [] } })
  for (const [name, value] of Object.entries(figures)) {
    table.push([name, typeof value === 'object' ? JSON.stringify(value) : String(value), BARS[name] ?? ''])
  }
  process.stdout.write(`${table.toString()}\n`)
}

const program = new Command('bench').description('Measures the stack against the bare data channel.')
program
  .command('link')
  .description('one link: speed, round trips, connecting, memory, bundle; two processes')
  .option('--browser', 'between pages of two Chromium processes')
  .option('--json', 'print one JSON object as the last line')
  .option('--only <parts>', `some of ${PARTS.join(', ')}`)
  .option('--rounds <count>', 'alternating rounds')
  .action(link)
await program.parseAsync()
