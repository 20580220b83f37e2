import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { Swarm } from '../src/index.ts'

const root = join(import.meta.dirname, '../../..')
const scratch = join(import.meta.dirname, `.readme-doors-${process.pid}`)
const data = mkdtempSync(join(tmpdir(), 'swarm-readme-'))
let nodes: Swarm[] = []

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close()))
  for (const folder of [scratch, data]) rmSync(folder, { recursive: true, force: true })
  jest.restoreAllMocks()
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

describe('the example without servers of the README', () => {
  it('comes back as the same node, to the same door', async () => {
    const section = readFileSync(join(root, 'README.md'), 'utf8').split('## Works without servers')[1] ?? ''
    const code = /^```ts\n(?<code>[\s\S]*?)^```$/m.exec(section)?.groups?.['code'] ?? ''
    expect(code).toContain("new Swarm({ signals: [], folder: 'data/alice' })")
    // verbatim but for where it keeps its data and which port it takes: others may run it, too
    const here = code.replaceAll("'data/", `'${data}/`).replaceAll('6689', String(await freePort()))
    mkdirSync(scratch, { recursive: true })
    writeFileSync(join(scratch, 'example.ts'), `${here}\nexport const nodes = [door, first, again]\n`)
    const told = new Promise((resolve) => {
      jest.spyOn(console, 'log').mockImplementation((...words: unknown[]) => resolve(words))
    })
    ;({ nodes } = (await import(join(scratch, 'example.ts'))) as { nodes: Swarm[] })
    expect(await told).toEqual([true, true])
  })
})
