import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { createPlace, until } from './people.ts'

// The command as one file built from source; its dependencies stay where npm put them.
const folder = fileURLToPath(new URL(`../node_modules/.main-${process.pid}/`, import.meta.url))
const file = `${folder}main.mjs`
const place = createPlace()
const children: ChildProcess[] = []

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [fileURLToPath(new URL('../src/main.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@resilient-swarm/source'],
    external: ['ws', 'commander'],
    logLevel: 'error',
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  await place.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function run(...options: string[]) {
  const child = spawn(process.execPath, [file, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  children.push(child)
  const said = { out: '', error: '' }
  child.stdout.on('data', (data) => {
    said.out += String(data)
  })
  child.stderr.on('data', (data) => {
    said.error += String(data)
  })
  const exit = once(child, 'exit').then(([code]) => code as number)
  const lines = () =>
    said.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const listening = async () => {
    await until(() => said.out.includes('listening'))
    return lines()[0] as { port: number; origins: string[] }
  }
  return { child, said, exit, lines, listening }
}

describe('the command', () => {
  it('serves, answers /health, logs lines of JSON, and ends in order on SIGTERM', async () => {
    const { child, exit, lines, listening } = run('--port', '0')
    const { port, origins } = await listening()
    expect(origins).toEqual([`ws://127.0.0.1:${port}/`])
    const alice = place.person([`ws://127.0.0.1:${port}`])
    await alice.exchange.ready
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).json()).toMatchObject({ status: 'ok', online: 1 })
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(lines().map(({ event }) => event)).toEqual(['listening', 'registered', 'closing', 'left', 'closed'])
    await until(() => alice.exchange.servers[0]?.state !== 'registered')
  })

  it('goes by the names it is given', async () => {
    const { child, exit, listening } = run(
      '--port',
      '0',
      '--origin',
      'wss://a.example',
      '--origin',
      'ws://b.example:7/x',
      '--health',
      '/up',
    )
    const { port, origins } = await listening()
    expect(origins).toEqual(['wss://a.example/', 'ws://b.example:7/x'])
    expect((await fetch(`http://127.0.0.1:${port}/up`)).status).toBe(200)
    const alice = place.person([`ws://127.0.0.1:${port}`])
    await until(() => alice.exchange.servers[0]?.error?.code === 'ERR_SIGNAL_REFUSED')
    child.kill('SIGINT')
    expect(await exit).toBe(0)
  })

  it('ends with 1 and a sentence when it cannot do what it is told', async () => {
    const { port } = await place.server()
    for (const [options, word] of [
      [['--port', String(port)], 'Choose another port'],
      [['--port', 'x'], 'from 0 to 65535'],
      [['--port', '65536'], 'from 0 to 65535'],
      [['--origin', 'http://a.example'], 'wss://signals.example'],
      [['--colour'], 'unknown option'],
    ] as const) {
      const { exit, said } = run(...options)
      expect(await exit).toBe(1)
      await until(() => said.error.includes(word))
    }
  })
})
