import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type AttemptSignal, type Channel, createRuntime, SwarmError } from '@resilient-swarm/contract'
import { build } from 'esbuild'
import { webrtc } from '../src/index.ts'
import { BOB, connectPaths, SignalEnd } from './path-pair.ts'

const folder = dirname(fileURLToPath(import.meta.url))
// Inside node_modules so that it finds the package's dependencies.
const script = join(folder, '../node_modules/.cache/endings/main.mjs')
const runtime = createRuntime()
const enough = new SwarmError('Enough.', { code: 'ERR_ENOUGH' })
const children: ChildProcess[] = []

beforeAll(async () => {
  await build({
    entryPoints: [join(folder, 'process/main.ts')],
    outfile: script,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@resilient-swarm/source'],
    external: ['node-datachannel', 'node-datachannel/polyfill'],
  })
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(scene: string): ChildProcess {
  const child = fork(script, [scene], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [] })
  children.push(child)
  return child
}

describe('a process', () => {
  for (const scene of ['closed', 'aborted', 'connecting', 'answering']) {
    it(`ends by itself within a second when its paths are ${scene}`, async () => {
      const child = start(scene)
      const code = new Promise((resolve) => child.once('exit', resolve))
      await new Promise((resolve) => child.stdout?.once('data', resolve))
      const endedMs = performance.now()
      expect(await code).toBe(0)
      expect(performance.now() - endedMs).toBeLessThan(1000)
    })
  }
})

describe('a peer whose process', () => {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    it(`got ${signal} is noticed within ten seconds`, async () => {
      const child = start('echo')
      const channel = await dialChild(child)
      await new Promise<void>((resolve) => {
        channel.onMessage = () => resolve()
        channel.send(Uint8Array.of(1))
      })
      const killedMs = performance.now()
      child.kill(signal)
      expect(await channel.closed).toMatchObject({ by: 'peer', error: { code: 'ERR_WEBRTC_LOST' } })
      expect(performance.now() - killedMs).toBeLessThan(10_000)
    }, 30_000)
  }
})

describe('200 paths, made and ended', () => {
  it('leave no threads, no files and no memory behind', async () => {
    const transport = webrtc()
    const cycle = async (index: number) => {
      const { alice, bob } = await connectPaths({ alice: transport, bob: transport, runtime })
      if (index % 4 === 3) alice.channel.abort(enough)
      else (index % 2 === 0 ? alice : bob).channel.close()
      await Promise.all([alice.channel.closed, bob.channel.closed])
    }
    for (let index = 0; index < 20; index++) await cycle(index)
    const before = await measure()
    for (let index = 0; index < 200; index++) await cycle(index)
    const after = await measure()
    process.stdout.write(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}\n`)
    for (const name of ['threads', 'files', 'heapBytes'] as const) expect(after[name]).toBeLessThanOrEqual(before[name] * 1.1)
  }, 120_000)
})

async function dialChild(child: ChildProcess): Promise<Channel> {
  const line = new SignalEnd()
  line.deliver = (signal) => void child.send(signal)
  child.on('message', (signal) => line.take(signal as AttemptSignal))
  const { channel } = await webrtc().dial(BOB, { runtime, signals: line, signal: new AbortController().signal })
  return channel
}

async function measure() {
  // Native parts end in their own threads, a moment after they were told to.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    threads: readdirSync('/proc/self/task').length,
    files: readdirSync('/proc/self/fd').length,
    heapBytes: process.memoryUsage().heapUsed,
    rssBytes: process.memoryUsage().rss,
  }
}
