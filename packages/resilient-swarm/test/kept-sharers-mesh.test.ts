import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import type { Swarm } from '../src/index.ts'
import { next } from './nodes.ts'
import { callAndLetGo, isLinked, joinPartialMesh, nodes, unlinkedPairs, whenAll } from './partial-mesh-people.ts'

const NODES = 20
const Pouch = Core.plugin(memoryAdapter as PouchDB.Plugin)
const openDatabase = (name: string) => new Pouch(`kept-${process.pid}-${name}`, { adapter: 'memory' })
type Database = ReturnType<typeof openDatabase>
afterAll(() => nodes.end(), 60_000)

function whenDocument(database: Database, id: string): Promise<void> {
  return new Promise((resolve) => {
    const feed = database.changes({ since: 0, live: true, doc_ids: [id] }).on('change', () => {
      feed.cancel()
      resolve()
    })
  })
}

describe(`three of ${NODES} swarms in a partial mesh`, () => {
  let mesh: Awaited<ReturnType<typeof joinPartialMesh>>
  beforeAll(async () => {
    mesh = await joinPartialMesh(NODES)
    const released = Promise.any(mesh.swarms.map((swarm) => next(swarm, 'peer-left')))
    mesh.skip(61_000)
    await released
  }, 120_000)

  /** Three of whom one has no link to the others. */
  function strangers(): [Swarm, Swarm, Swarm] {
    for (const one of mesh.swarms) {
      const [other, third] = mesh.swarms.filter((swarm) => swarm !== one && !isLinked(one, swarm))
      if (other && third) return [one, other, third]
    }
    throw new Error('Everybody is linked to nearly everybody.')
  }

  it('who share by a list of keys find each other, and keep their links while those of others are let go', async () => {
    const sharers = strangers()
    const stores = sharers.map((_, index) => openDatabase(`${index}`)) as [Database, Database, Database]
    await stores[0].put({ _id: 'early' })
    const peers = sharers.map(({ publicKey }) => publicKey)
    const options = { name: 'notes', admit: () => true, peers }
    for (const [index, swarm] of sharers.entries()) swarm.replicate(stores[index] as Database, options)
    await Promise.all(stores.map((store) => whenDocument(store, 'early')))
    await whenAll(sharers, (one) => sharers.every((other) => one === other || isLinked(one, other)))

    const left: string[] = []
    for (const swarm of sharers) swarm.on('peer-left', ({ publicKey }) => peers.includes(publicKey) && left.push(publicKey))
    const others = unlinkedPairs(mesh.swarms.filter((swarm) => !sharers.includes(swarm)))
    // Some of these links may be worth keeping to either end; hardly all of them.
    const called = await Promise.all(others.slice(0, 6).map(callAndLetGo))
    mesh.skip(61_000)
    await Promise.race(called.map(({ released }) => released))
    expect(left).toEqual([])
    await stores[2].put({ _id: 'late' })
    await Promise.all(stores.map((store) => whenDocument(store, 'late')))
  }, 120_000)
})
