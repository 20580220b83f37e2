import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { whatIsMissing } from '../src/requirements.ts'

// Namespaces and native WebRTC belong to whole processes, so these run what was built.
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const SCENARIO_MS = 60_000

const missing = whatIsMissing()
if (missing) process.stdout.write(`skipped: the scenarios of netlab, ${missing}\n`)
const itInLab = missing ? it.skip : it

const children: ChildProcess[] = []

beforeAll(() => {
  if (!existsSync(program)) throw new Error('build first: npm run build')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(...words: string[]) {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  const said = { out: '', progress: '' }
  child.stdout.on('data', (data) => {
    said.out += String(data)
  })
  child.stderr.on('data', (data) => {
    said.progress += String(data)
  })
  const ended = once(child, 'close')
  return { child, said, ended, progress: () => once(child.stderr, 'data') }
}

/** The namespaces that a run made and that are still there. */
function leftBy({ pid }: ChildProcess): readonly string[] {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')
  return names.filter((name) => name.startsWith(`rsnetlab-${pid}-`))
}

interface Report {
  readonly [scenario: string]: {
    readonly bars: readonly { readonly what: string; readonly measured: number; readonly passed: boolean }[]
  }
}

/** Of one round a quantile says nothing, least of all beside other tests; it is told, not judged. */
const QUANTILE = / p\d+$/

describe('the scenario', () => {
  for (const name of ['lines', 'direct', 'matrix', 'relay-kill', 'direct-cut']) {
    itInLab(
      `${name} keeps its promises and leaves nothing behind`,
      async () => {
        const { child, said, ended } = start(name, '--json', '--rounds', '1')
        await ended
        const { bars = [] } = (JSON.parse(said.out.trimEnd().split('\n').at(-1) ?? '') as Report)[name] ?? {}
        for (const { what, measured } of bars) process.stdout.write(`${name}: ${what} ${measured}\n`)
        expect(bars.length).toBeGreaterThan(2)
        expect(bars.filter(({ what, passed }) => !passed && !QUANTILE.test(what))).toEqual([])
        expect(leftBy(child)).toEqual([])
      },
      SCENARIO_MS,
    )
  }
})

describe('a lab that ends early', () => {
  itInLab(
    'takes everything down with it when it is told to end',
    async () => {
      const { child, ended, progress } = start('lines')
      await progress()
      expect(leftBy(child)).toHaveLength(5)
      child.kill('SIGTERM')
      const [code] = (await ended) as [number]
      expect(code).toBe(143)
      expect(leftBy(child)).toEqual([])
    },
    SCENARIO_MS,
  )

  itInLab(
    'is swept away by clean when it was killed, and a lab that lives is not',
    async () => {
      const [dead, alive] = [start('lines'), start('direct')]
      await Promise.all([dead.progress(), alive.progress()])
      dead.child.kill('SIGKILL')
      await dead.ended
      expect(leftBy(dead.child)).toHaveLength(5)
      const clean = start('clean')
      await clean.ended
      expect(clean.said.out).toContain(`removed rsnetlab-${dead.child.pid}-`)
      expect(clean.said.out).not.toContain(`rsnetlab-${alive.child.pid}-`)
      expect(leftBy(dead.child)).toEqual([])
      expect(leftBy(alive.child)).toHaveLength(4)
      alive.child.kill('SIGINT')
      const [code] = (await alive.ended) as [number]
      expect(code).toBe(130)
      expect(leftBy(alive.child)).toEqual([])
    },
    SCENARIO_MS,
  )
})

describe('the process of a line', () => {
  itInLab('ends with its stdin, which is when the lab is gone', async () => {
    const lineHost = fileURLToPath(new URL('../dist/line-host.js', import.meta.url))
    const child = spawn('unshare', ['--net', process.execPath, lineHost, 'a', 'b'], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    await once(child.stdout, 'data')
    child.stdin.end()
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})

describe('the command', () => {
  it('lists every scenario in a line', async () => {
    const { said, ended } = start('list')
    await ended
    expect(said.out.split('\n').filter((line) => /^[a-z-]+( \(quick\))?: /.test(line))).toHaveLength(8)
  })

  it('says which scenario it does not know', async () => {
    const { said, ended } = start('no-such')
    const [code] = (await ended) as [number]
    expect(said.progress).toContain("There is no scenario no-such; 'list' shows them all.")
    expect(code).not.toBe(0)
  })
})
