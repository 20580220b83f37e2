import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { SwarmOptions } from '../src/index.ts'

const program = join(import.meta.dirname, 'folder-program.mjs')
const built = join(import.meta.dirname, '../dist/index.js')

/** What a node's process says: `what` and the facts that go with it. */
export interface Told {
  readonly what: string
  readonly [fact: string]: unknown
}

export interface NodeProcess {
  readonly key: string
  readonly told: readonly Told[]
  /** The first line that is so, of those that were said and those that come. */
  hear(is: (told: Told) => boolean): Promise<Told>
  /** Asks and resolves with the next answer of this kind. */
  ask(ask: string, answer: string, key?: string): Promise<Told>
  meet(key: string): Promise<Told>
  close(): Promise<void>
  kill(): Promise<void>
}

/** Starts nodes as processes of their own and ends those that are left. */
export function createNodeProcesses() {
  const children: ChildProcess[] = []
  return {
    async start(options: SwarmOptions): Promise<NodeProcess> {
      if (!existsSync(built)) throw new Error('build first: npm run build')
      const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
      children.push(child)
      const told: Told[] = []
      const listeners = new Set<() => void>()
      createInterface({ input: child.stdout }).on('line', (line) => {
        told.push(JSON.parse(line) as Told)
        for (const listen of [...listeners]) listen()
      })
      const hear = (is: (line: Told) => boolean, from = 0): Promise<Told> =>
        new Promise((resolve) => {
          const look = () => {
            const found = told.slice(from).find(is)
            if (!found) return
            listeners.delete(look)
            resolve(found)
          }
          listeners.add(look)
          look()
        })
      const end = async (how: () => void) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exit = once(child, 'exit')
        how()
        await exit
      }
      const { key } = (await hear(({ what }) => what === 'key')) as unknown as { key: string }
      return {
        key,
        told,
        hear,
        ask(ask, answer, about) {
          const from = told.length
          child.stdin.write(`${JSON.stringify({ ask, key: about })}\n`)
          return hear(({ what }) => what === answer || what === 'failed', from)
        },
        meet: (other) => hear((line) => line.what === 'peer' && line['key'] === other),
        close: () => end(() => child.stdin.write('{"ask":"close"}\n')),
        kill: () => end(() => child.kill('SIGKILL')),
      }
    },
    end(): void {
      for (const child of children.splice(0)) child.kill('SIGKILL')
    },
  }
}
