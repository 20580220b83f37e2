import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, jest } from '@jest/globals'
import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import type { Swarm } from '../src/index.ts'
import { createNodes } from './nodes.ts'

const root = join(import.meta.dirname, '../../..')
const scratch = join(import.meta.dirname, `.readme-share-${process.pid}`)
const nodes = createNodes()
const Pouch = Core.plugin(memoryAdapter as PouchDB.Plugin)
let alice: Swarm | undefined

afterEach(async () => {
  await alice?.close()
  await nodes.end()
  delete process.env['RESILIENT_SWARM_SIGNALS']
  rmSync(scratch, { recursive: true, force: true })
  jest.restoreAllMocks()
})

it('the example of “Share your own PouchDB” in the README shares what it says, and takes what it says', async () => {
  const server = await nodes.serve()
  process.env['RESILIENT_SWARM_SIGNALS'] = server.url
  const page = readFileSync(join(root, 'README.md'), 'utf8')
  const code = /^## Share your own PouchDB\n\n```ts\n(?<code>[\s\S]*?)^```$/m.exec(page)?.groups?.['code']
  expect(code).toContain("from 'pouchdb'")
  mkdirSync(scratch, { recursive: true })
  writeFileSync(
    join(scratch, 'pouch.ts'),
    `import adapter from 'pouchdb-adapter-memory'
     import Core from 'pouchdb-core'
     export default Core.plugin(adapter).defaults({ adapter: 'memory' })`,
  )
  writeFileSync(join(scratch, 'example.ts'), `${code?.replace("from 'pouchdb'", "from './pouch.ts'")}\nexport { swarm }\n`)
  const told = new Promise((resolve) => {
    jest.spyOn(console, 'log').mockImplementation(resolve)
  })
  ;({ swarm: alice } = (await import(join(scratch, 'example.ts'))) as { swarm: Swarm })

  const bob = nodes.join({ signals: [server.url] })
  const notes = new Pouch<{ text: string }>(`bob-${process.pid}`, { adapter: 'memory' })
  await notes.bulkDocs([
    { _id: 'long', text: 'x'.repeat(281) },
    { _id: 'short', text: 'And bread.' },
  ])
  const heard = new Promise<string[]>((resolve) => {
    bob
      .replicate(notes, { name: 'notes', admit: () => true })
      .on('change', ({ change }) => resolve(change.docs.map(({ text }) => text as string)))
  })
  await bob.call(alice.publicKey)
  expect(await heard).toEqual(['We need milk.'])
  expect(await told).toEqual(['And bread.'])
})
