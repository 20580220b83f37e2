import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createSignalServer, type SignalServer } from '@resilient-swarm/signal-server'
import type { Swarm } from '../src/index.ts'

const root = join(import.meta.dirname, '../../..')
const scratch = join(import.meta.dirname, `.readme-${process.pid}`)

let server: SignalServer | undefined
let nodes: Swarm[] = []

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close()))
  await server?.close()
  delete process.env['RESILIENT_SWARM_SIGNALS']
  rmSync(scratch, { recursive: true, force: true })
  jest.restoreAllMocks()
})

describe('the example of the README, verbatim', () => {
  it('prints six lines, each with the proven key of another node', async () => {
    server = await createSignalServer({ host: '127.0.0.1', port: 0 })
    process.env['RESILIENT_SWARM_SIGNALS'] = server.url
    const code = /^```ts\n(?<code>[\s\S]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.groups?.['code']
    expect(code).toContain('node3.call(node1.publicKey)')
    mkdirSync(scratch, { recursive: true })
    writeFileSync(join(scratch, 'example.ts'), `${code}\nexport const nodes = [node1, node2, node3]\n`)

    const lines: string[] = []
    const six = new Promise<void>((resolve) => {
      jest.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
        lines.push(words.join(' '))
        if (lines.length === 6) resolve()
      })
    })
    ;({ nodes } = (await import(join(scratch, 'example.ts'))) as { nodes: Swarm[] })
    await six

    const [one, two, three] = nodes.map(({ publicKey }) => publicKey)
    expect([...lines].sort()).toEqual(
      [
        `peer1 got ${two}`,
        `peer1 got ${three}`,
        `peer2 got ${one}`,
        `peer2 got ${three}`,
        `peer3 got ${one}`,
        `peer3 got ${two}`,
      ].sort(),
    )
  })
})
