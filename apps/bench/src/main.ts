import { createSignalServer } from '@resilient-swarm/signal-server'
import Table from 'cli-table3'
import { Command } from 'commander'
import { measureBundle } from './measure-bundle.ts'
import { measureCalls } from './measure-calls.ts'
import { measureFailover } from './measure-failover.ts'
import { connectPair, type LinkPlan, measurePingUnderLoad, measureRoundTrips, measureSpeed } from './measure-link.ts'
import { measureMemory } from './measure-memory.ts'
import { measureRelay } from './measure-relay.ts'
import { measureSession } from './measure-session.ts'
import { measureTable } from './measure-table.ts'
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
  relayedOverDirect: '≥ 0.4',
  relayAddedRttMs: '≤ 1',
  failoverMs: 'p50 ≤ 700, p95 ≤ 1500',
  sessionOverCipher: '≥ 0.95',
  recordsPerSecondOverLocal: '≥ 0.5',
  bytesPerChange: '≤ 1024',
}

interface LinkOptions {
  readonly browser?: boolean
  readonly json?: boolean
  readonly only?: string
  readonly rounds?: string
}

const PARTS = ['speed', 'roundtrips', 'load', 'calls', 'memory', 'bundle'] as const

const tell = (line: string) => process.stderr.write(`${line}\n`)

function chooseParts(parts: readonly string[], only: string | undefined): ReadonlySet<string> {
  const wanted = new Set(only ? only.split(',') : parts)
  for (const part of wanted) if (!parts.includes(part)) throw new RangeError(`--only knows ${parts.join(', ')}`)
  return wanted
}

async function link({ browser = false, json = false, only, rounds }: LinkOptions): Promise<void> {
  const wanted = chooseParts(PARTS, only)
  const plan = { ...(browser ? IN_CHROMIUM : IN_NODE), ...(rounds ? { rounds: Number(rounds) } : {}) }
  const server = await createSignalServer({ host: '127.0.0.1', port: 0 })
  const figures: Record<string, unknown> = { platform: browser ? 'chromium' : 'node' }
  try {
    if (['speed', 'roundtrips', 'load'].some((part) => wanted.has(part))) {
      Object.assign(figures, await measurePair({ browser, plan, wanted, signalUrl: server.url }))
    }
    if (!browser && wanted.has('calls')) Object.assign(figures, await measureCalls({ signalUrl: server.url, rounds: 60, tell }))
    if (!browser && wanted.has('memory')) Object.assign(figures, await measureMemory({ signalUrl: server.url, peers: 12, tell }))
    if (wanted.has('bundle')) Object.assign(figures, await measureBundle())
  } finally {
    await server.close()
  }
  show(figures, { json })
}

async function relay({ json = false, rounds = '7' }: LinkOptions): Promise<void> {
  const server = await createSignalServer({ host: '127.0.0.1', port: 0 })
  try {
    const plan = { rounds: Number(rounds), transferBytes: 32 * MIB, pings: 1_000 }
    show(await measureRelay({ plan, signalUrl: server.url, tell }), { json })
  } finally {
    await server.close()
  }
}

const FAILOVER_PARTS = ['killed', 'muted', 'session'] as const

async function failover({ json = false, only, rounds = '20' }: LinkOptions): Promise<void> {
  const wanted = chooseParts(FAILOVER_PARTS, only)
  const server = await createSignalServer({
    host: '127.0.0.1',
    port: 0,
    limits: { connectionRate: { perSecond: 100, burst: 100 } },
  })
  const plan = { rounds: Number(rounds) }
  const figures: Record<string, unknown> = {}
  try {
    if (wanted.has('session')) Object.assign(figures, await measureSession({ plan: { rounds: 9, messages: 4_000 }, tell }))
    const kinds = (['killed', 'muted'] as const).filter((kind) => wanted.has(kind))
    const worst = { p50: 0, p95: 0 }
    for (const kind of kinds) {
      const { p50, p95 } = await measureFailover({ kind, plan, signalUrl: server.url, tell })
      figures[kind === 'killed' ? 'relayKilledMs' : 'directMutedMs'] = { p50, p95 }
      Object.assign(worst, { p50: Math.max(worst.p50, p50), p95: Math.max(worst.p95, p95) })
    }
    if (kinds.length > 0) Object.assign(figures, { failoverMs: worst })
  } finally {
    await server.close()
  }
  show(figures, { json })
}

async function table({ json = false, rounds = '5' }: LinkOptions): Promise<void> {
  const plan = { rounds: Number(rounds), records: 1_000, changes: 200 }
  show(await measureTable({ plan, tell }), { json })
  // Data channels whose other end went with its table take their time to notice.
  process.exit()
}

function show(figures: Record<string, unknown>, { json }: { json: boolean }): void {
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else print(figures)
}

async function measurePair(options: { browser: boolean; plan: LinkPlan; wanted: ReadonlySet<string>; signalUrl: string }) {
  const { browser, plan, wanted, signalUrl } = options
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
program
  .command('relay')
  .description('through a relaying peer against directly; three processes')
  .option('--json', 'print one JSON object as the last line')
  .option('--rounds <count>', 'alternating rounds')
  .action(relay)
program
  .command('failover')
  .description('a transfer whose path is cut, and what the session costs')
  .option('--json', 'print one JSON object as the last line')
  .option('--only <parts>', `some of ${FAILOVER_PARTS.join(', ')}`)
  .option('--rounds <count>', 'cuts of each kind')
  .action(failover)
program
  .command('table')
  .description('a thousand records into a fresh node, and live changes; over data channels in one process')
  .option('--json', 'print one JSON object as the last line')
  .option('--rounds <count>', 'alternating rounds')
  .action(table)
await program.parseAsync()
