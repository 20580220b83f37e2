#!/usr/bin/env node
import type { Log } from '@resilient-swarm/contract'
import { normalizeOrigin } from '@resilient-swarm/signal-exchange/protocol'
import { Command, InvalidArgumentError } from 'commander'
import { createSignalServer, type SignalServer } from './signal-server.ts'

interface Arguments {
  readonly port: number
  readonly host: string
  readonly origin: readonly string[]
  readonly health: string | boolean
  readonly verbose: boolean
}

const HEALTH_PATH = '/health'

const command = new Command('resilient-swarm-signal-server')
  .description('Proves keys and passes sealed signals on. Stores nothing, reads nothing.')
  .option('--port <number>', 'where to listen; 0 takes a free one', parsePort, 6688)
  .option('--host <address>', 'where to listen', '127.0.0.1')
  .option('--origin <url>', 'a URL that clients dial (repeatable); needed behind a proxy or a port mapping', addOrigin, [])
  .option('--health [path]', 'the path that answers GET with the counts', HEALTH_PATH)
  .option('--no-health', 'no such path')
  .option('--verbose', 'log refusals too', false)
  .helpOption('--help')

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

function addOrigin(text: string, before: readonly string[]): readonly string[] {
  try {
    return [...before, normalizeOrigin(text)]
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

/** One JSON object a line. */
function lineLog({ verbose }: { verbose: boolean }): Log {
  const write = (level: string) => (event: string, fields?: Record<string, unknown>) =>
    void process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
  return { debug: verbose ? write('debug') : () => {}, info: write('info'), warn: write('warn') }
}

/** The first signal closes in order, a second one ends at once. */
function endOnSignals(server: SignalServer): void {
  let isClosing = false
  const end = () => {
    if (isClosing) process.exit(1)
    isClosing = true
    void server.close()
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
}

async function main(): Promise<void> {
  const { port, host, origin, health, verbose } = command.parse().opts<Arguments>()
  const log = lineLog({ verbose })
  try {
    endOnSignals(await createSignalServer({ port, host, origins: origin, health: health === true ? HEALTH_PATH : health, log }))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

await main()
