import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { SignalServer } from '@resilient-swarm/signal-server'
import { createNodes } from './nodes.ts'

// Endings are a matter of whole processes, so these run what was built.
const program = join(import.meta.dirname, 'endings-program.mjs')
const built = join(import.meta.dirname, '../dist/index.js')

const ENDS_WITHIN_MS = 1_000
const ENDS_AFTER_LOSS_WITHIN_MS = 1_500 // 0.8 s for a goodbye that nobody hears, and what telling it takes
const NOTICED_WITHIN_MS = 10_000
const GROWTH_MAX = 1.1
const CYCLES = 200
/** A cycle is two swarms of some thousand objects each: less than one object a swarm is a cache that is still filling, more is a leak. */
const LEFT_BY_CYCLE_MAX = 2

const nodes = createNodes()
let server: SignalServer
const children: ChildProcess[] = []

beforeEach(async () => {
  if (!existsSync(built)) throw new Error('build first: npm run build')
  server = await nodes.serve()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await nodes.end()
})

function start(...words: string[]) {
  const child = spawn(process.execPath, ['--expose-gc', '--disable-warning=ExperimentalWarning', program, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    /** The rest of the next line that begins with this word. */
    async told(word: string): Promise<string> {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error(`the process ended before it said '${word}'`)
        if (value.startsWith(`${word} `) || value === word) return value.slice(word.length + 1)
      }
    },
  }
}

describe('after close() the process ends by itself', () => {
  it.each(['connected', 'connecting', 'unreachable', 'never used'])('%s', async (state) => {
    const bob = nodes.join({ signals: [server.url] })
    await bob.ready
    const url = state === 'unreachable' ? 'ws://127.0.0.1:9' : server.url
    const alice = start('close', state, url, bob.publicKey)
    await alice.told('closing')
    const startedMs = performance.now()
    const [code] = (await once(alice.child, 'exit')) as [number]
    const tookMs = performance.now() - startedMs
    process.stdout.write(`${state}: the process ended ${tookMs.toFixed(0)} ms after close() was called\n`)
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(ENDS_WITHIN_MS)
  })
})

describe('after close() with a peer that was killed', () => {
  it('the process ends by itself, too', async () => {
    const bob = start('serve', server.url)
    const alice = start('close', 'bereft', server.url, await bob.told('key'))
    await alice.told('connected')
    bob.child.kill('SIGKILL')
    await once(bob.child, 'exit')
    alice.child.stdin.write('now')
    await alice.told('closing')
    const startedMs = performance.now()
    const [code] = (await once(alice.child, 'exit')) as [number]
    const tookMs = performance.now() - startedMs
    process.stdout.write(`beside a killed peer the process ended ${tookMs.toFixed(0)} ms after close() was called\n`)
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(ENDS_AFTER_LOSS_WITHIN_MS)
  })
})

describe('nothing is left', () => {
  it(`of ${CYCLES} calls and closes: threads, file descriptors and objects stay`, async () => {
    const alice = start('cycle', String(CYCLES), server.url)
    const before = JSON.parse(await alice.told('before')) as Record<string, number>
    const after = JSON.parse(await alice.told('after')) as Record<string, number>
    process.stdout.write(`${CYCLES} cycles: ${JSON.stringify(before)} → ${JSON.stringify(after)}\n`)
    for (const kind of ['threads', 'descriptors']) {
      expect(after[kind]).toBeLessThanOrEqual((before[kind] as number) * GROWTH_MAX)
    }
    // Objects, not bytes: the compiler's own part of the heap grows for hundreds of cycles, and by how much depends on the machine.
    expect((after['objects'] as number) - (before['objects'] as number)).toBeLessThan(CYCLES * LEFT_BY_CYCLE_MAX)
  }, 180_000)
})

describe('a killed peer', () => {
  it('is noticed within ten seconds', async () => {
    const alice = nodes.join({ signals: [server.url] })
    await alice.ready
    const bob = start('stay', server.url, alice.publicKey)
    await bob.told('connected')
    const left = new Promise<unknown[]>((resolve) => alice.on('peer-left', (...facts) => resolve(facts)))
    bob.child.kill('SIGKILL')
    const startedMs = performance.now()
    const [, reason, error] = await left
    const tookMs = performance.now() - startedMs
    process.stdout.write(`a killed peer was noticed after ${(tookMs / 1000).toFixed(1)} s\n`)
    expect(reason).toBe('lost')
    expect(error).toBeDefined()
    expect(tookMs).toBeLessThan(NOTICED_WITHIN_MS)
  }, 30_000)
})
