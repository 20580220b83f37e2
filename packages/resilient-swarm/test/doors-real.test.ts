import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createNodeProcesses, type NodeProcess } from './node-processes.ts'
import { createNodes } from './nodes.ts'

const processes = createNodeProcesses()
const nodes = createNodes()
let place: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'swarm-'))
})
afterEach(async () => {
  processes.end()
  await nodes.end()
  rmSync(place, { recursive: true, force: true })
})

const BACK_WITHIN_MS = 20_000 // ten until a killed peer is noticed, three until its door is tried, and a second try
const folder = (name: string) => join(place, name)

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function timed<Value>(what: string, work: Promise<Value>): Promise<Value> {
  const startedMs = performance.now()
  const value = await work
  const tookMs = performance.now() - startedMs
  process.stdout.write(`${what}: ${(tookMs / 1000).toFixed(2)} s\n`)
  expect(tookMs).toBeLessThan(BACK_WITHIN_MS)
  return value
}

/** Alice is a door; bob and carol are not. All have met by a server, which is dead now. */
async function threeWithoutServer() {
  const server = await nodes.serve()
  const signals = [server.url]
  const exchange = { port: await freePort(), host: '127.0.0.1' }
  const options = {
    alice: { signals, folder: folder('alice'), exchange },
    bob: { signals, folder: folder('bob') },
    carol: { signals, folder: folder('carol') },
  }
  const [alice, bob, carol] = (await Promise.all(Object.values(options).map(processes.start))) as [
    NodeProcess,
    NodeProcess,
    NodeProcess,
  ]
  await Promise.all([
    bob.ask('call', 'called', alice.key),
    carol.ask('call', 'called', alice.key),
    bob.meet(carol.key),
    carol.meet(bob.key),
  ])
  for (const node of [bob, carol]) await doorOf(node, alice.key)
  await server.close()
  return { alice, bob, carol, options }
}

/** Until the node knows where the other one can be signalled. */
async function doorOf(node: NodeProcess, key: string): Promise<unknown> {
  for (;;) {
    const { urls } = (await node.ask('doors', 'doors', key)) as unknown as { urls: string[] }
    if (urls.length > 0) return urls
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe('with every signal server dead', () => {
  it('a node that was killed and started again is back, as the same node, with its table', async () => {
    const { alice, bob, carol, options } = await threeWithoutServer()
    await new Promise((resolve) => setTimeout(resolve, 1_200)) // what it remembers is written once a second
    await bob.kill()
    const again = await processes.start(options.bob)
    expect(again.key).toBe(bob.key)
    await timed('bob is back in', Promise.all([again.meet(alice.key), again.meet(carol.key)]))
    const { servers } = (await again.ask('servers', 'servers')) as unknown as { servers: unknown[] }
    expect(servers).toHaveLength(1) // the dead one; the door was left again
  }, 60_000)

  it('a door that was killed and started again is found by those who had met it', async () => {
    const { alice, bob, carol, options } = await threeWithoutServer()
    await alice.kill()
    const again = await processes.start(options.alice)
    expect(again.key).toBe(alice.key)
    await timed('the door is back', Promise.all([again.meet(bob.key), again.meet(carol.key)]))
  }, 60_000)

  it('a door that said goodbye and comes back is found, too', async () => {
    const { alice, bob, carol, options } = await threeWithoutServer()
    await alice.close()
    const again = await processes.start(options.alice)
    await timed('the door is back', Promise.all([again.meet(bob.key), again.meet(carol.key)]))
  }, 60_000)

  it('all but the door may be killed at once and come back', async () => {
    const { alice, bob, carol, options } = await threeWithoutServer()
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    await Promise.all([bob.kill(), carol.kill()])
    const [bobAgain, carolAgain] = await Promise.all([processes.start(options.bob), processes.start(options.carol)])
    await timed('both are back in', Promise.all([bobAgain.meet(alice.key), bobAgain.meet(carol.key), carolAgain.meet(alice.key)]))
  }, 60_000)

  it('a new node comes in by the door alone, with one key', async () => {
    const { alice, bob, carol, options } = await threeWithoutServer()
    const dave = await processes.start({ signals: [`ws://127.0.0.1:${options.alice.exchange.port}`] })
    const called = await timed('dave has met the door', dave.ask('call', 'called', alice.key))
    expect(called['key']).toBe(alice.key)
    await timed('and everybody', Promise.all([dave.meet(bob.key), dave.meet(carol.key)]))
  }, 60_000)
})

describe('the folder', () => {
  it('holds the seed, which is its owner’s alone', async () => {
    const { bob } = await threeWithoutServer()
    expect(statSync(join(folder('bob'), 'seed')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder('bob'), 'seed'))).toHaveLength(32)
    await bob.close()
  }, 60_000)

  it('holds the table: a node that is alone knows whom it knew', async () => {
    const { alice, bob, carol, options } = await threeWithoutServer()
    await Promise.all([alice, bob, carol].map((node) => node.kill()))
    const again = await processes.start(options.bob)
    for (;;) {
      const { keys } = (await again.ask('known', 'known')) as unknown as { keys: string[] }
      if ([alice, bob, carol].every(({ key }) => keys.includes(key))) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(again.told.filter(({ what }) => what === 'peer')).toEqual([])
    await again.close()
  }, 60_000)

  it('is one node: a second process is told so', async () => {
    const alice = await processes.start({ signals: [], folder: folder('alice') })
    expect(() => nodes.join({ signals: [], folder: folder('alice') })).toThrow(
      expect.objectContaining({ code: 'ERR_FOLDER_BUSY', message: expect.stringContaining('in use by process') }),
    )
    await alice.kill()
    expect(nodes.join({ signals: [], folder: folder('alice') }).publicKey).toBe(alice.key)
  }, 60_000)
})
