import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect } from '@jest/globals'
import { createSignalServer } from '@resilient-swarm/signal-server'
import type { Browser } from 'playwright-core'
import type { SwarmOptions } from 'resilient-swarm'
import { inChromium, launchChromium } from './chromium.ts'
import { createJournal } from './journal.ts'
import { type PageSite, servePageFromSource } from './page-site.ts'
import { openTab, type PageTab } from './page-tab.ts'

const program = join(import.meta.dirname, 'nodes-program.mjs')
const PROCESSES = 4
const NODES_EACH = 4
const TABS = 3
const EVERYBODY = PROCESSES * NODES_EACH + TABS
const TIMEOUT_MS = 240_000

interface Told {
  readonly what: string
  readonly keys?: readonly string[]
  readonly counts?: readonly number[]
  readonly message?: string
}
interface NodesProcess {
  readonly keys: readonly string[]
  /** How many peers each node has, by its last word. */
  readonly peers: ReadonlyMap<string, number>
  ask(ask: 'call' | 'known', keys: readonly string[]): Promise<readonly number[]>
}

const children: ChildProcess[] = []
let browser: Browser | undefined
let site: PageSite | undefined
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await browser?.close()
  await site?.close()
})

async function startNodes(options: readonly SwarmOptions[]): Promise<NodesProcess> {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const peers = new Map<string, number>()
  const waiting: ((told: Told) => void)[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as Told & { key: string; count: number }
    if (told.what === 'peers') peers.set(told.key, told.count)
    else if (told.what === 'error') process.stdout.write(`${line}\n`)
    else waiting.shift()?.(told)
  })
  const answer = () => new Promise<Told>((resolve) => waiting.push(resolve))
  const { keys = [] } = await answer()
  return {
    keys,
    peers,
    async ask(ask, about) {
      child.stdin.write(`${JSON.stringify({ ask, keys: about })}\n`)
      const { what, counts, message } = await answer()
      if (what !== ask || !counts) throw new Error(`${ask}: ${message}`)
      return counts
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** How many calls had to be made again: a session may end under a call, as when both ends have just made one. */
const callFromPage = (tab: PageTab, keys: readonly string[]) =>
  tab.page.evaluate(async (all) => {
    const reach = async (key: string, again = 0): Promise<number> => {
      try {
        await (await window.swarm.call(key)).rpc.ping()
        return again
      } catch (error) {
        if (again === 3) throw error
        return reach(key, again + 1)
      }
    }
    let again = 0
    for (const key of all) if (key !== window.swarm.publicKey) again += await reach(key)
    return again
  }, keys)

const knownToPage = (tab: PageTab, keys: readonly string[]) =>
  tab.page.evaluate((all) => all.filter((key) => window.swarm.table.get(key as never)).length, keys)

/** Looks again until it holds: what is waited for happens in five processes and a browser. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100))
}

describe('sixteen nodes in four processes and three tabs, whose servers are dead', () => {
  inChromium(
    'become one swarm by one door and one key, where each can call each',
    async () => {
      ;[browser, site] = await Promise.all([launchChromium(), servePageFromSource()])
      const startedMs = performance.now()
      const tell = (what: string) => process.stdout.write(`${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${what}\n`)

      const server = await createSignalServer({ port: 0 })
      const port = await freePort()
      const first = Array.from({ length: NODES_EACH }, (_, index) => ({
        signals: [server.url],
        ...(index === 0 ? { exchange: { host: '127.0.0.1', port } } : {}),
      }))
      const founders = await startNodes(first)
      await founders.ask('call', founders.keys)
      await server.close()
      tell('the first four have met, and no signal server is left')

      const [one] = founders.keys as [string]
      const signals = [`ws://127.0.0.1:${port}/`]
      const url = `${site.url}?signals=${encodeURIComponent(signals[0] as string)}`
      const journal = createJournal()
      const opening = Array.from({ length: TABS }, (_, index) =>
        openTab({ browser: browser as Browser, url, name: `tab ${index + 1}`, journal }),
      )
      const starting = Array.from({ length: PROCESSES - 1 }, () =>
        startNodes(Array.from({ length: NODES_EACH }, () => ({ signals }))),
      )
      const [tabs, others] = await Promise.all([Promise.all(opening), Promise.all(starting)])
      const processes = [founders, ...others]
      await Promise.all([...others.map((nodes) => nodes.ask('call', [one])), ...tabs.map((tab) => callFromPage(tab, [one]))])
      tell('the other fifteen have called the one key that they know')

      const everybody = [...processes.flatMap(({ keys }) => keys), ...tabs.map(({ key }) => key)]
      expect(new Set(everybody).size).toBe(EVERYBODY)
      const known = async () => {
        const counts = await Promise.all([
          ...processes.map((nodes) => nodes.ask('known', everybody)),
          ...tabs.map(async (tab) => [await knownToPage(tab, everybody)]),
        ])
        return counts.flat()
      }
      await until(async () => (await known()).every((count) => count === EVERYBODY))
      tell('everybody knows everybody')

      const called = await Promise.all([
        ...processes.map((nodes) => nodes.ask('call', everybody)),
        ...tabs.map(async (tab) => [await callFromPage(tab, everybody)]),
      ])
      expect(called.flat()).toHaveLength(EVERYBODY)
      const again = called.flat().reduce((sum, count) => sum + count, 0)
      tell(`each has called each: ${EVERYBODY * (EVERYBODY - 1)} calls were answered, ${again} of them when made again`)
      expect(tabs.flatMap(({ complaints }) => complaints)).toEqual([])

      // The same tab again, told of no server that lives: what it remembers is in IndexedDB, by the key of its seed.
      const [tab] = tabs as [PageTab]
      await tab.page.goto((site as PageSite).url)
      expect(await tab.page.evaluate(() => window.swarm.publicKey)).toBe(tab.key)
      await until(() => tab.page.evaluate(() => window.swarm.peers.length > 0))
      await callFromPage(tab, everybody)
      tell('a tab that was loaded anew is back in by a door that it remembered, and has called everybody')
    },
    TIMEOUT_MS,
  )
})
