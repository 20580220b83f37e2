import { afterEach, describe, expect, it } from '@jest/globals'
import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import type { ReplicateOptions, ShareableDatabase, SwarmEvents } from '../src/index.ts'
import { SHARED_DATABASES_MAX, STREAM_TYPE_BYTES_MAX } from '../src/limits.ts'
import { databaseType } from '../src/own-types.ts'
import type { ConnectedPeer } from '../src/peer.ts'
import { next } from './nodes.ts'
import { meet, nodes, type Person, part, people } from './path-people.ts'

const Pouch = Core.plugin(memoryAdapter as PouchDB.Plugin)
Pouch.setMaxListeners(0)

let databases = 0
const openDatabase = () => new Pouch<{ text?: string }>(`swarm-${process.pid}-${databases++}`, { adapter: 'memory' })
type Database = ReturnType<typeof openDatabase>

afterEach(() => nodes.end())

const everything = { name: 'notes', admit: () => true }

/** Resolves when the document is there. */
function whenDocument(database: Database, id: string): Promise<void> {
  return new Promise((resolve) => {
    const feed = database.changes({ since: 0, live: true, doc_ids: [id] }).on('change', () => {
      feed.cancel()
      resolve()
    })
  })
}

const aTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('a database that a swarm shares', () => {
  it('is the same on both sides, whoever of them shares first', async () => {
    for (const first of [0, 1] as const) {
      const both = (await people(2)) as [Person, Person]
      const stores = [openDatabase(), openDatabase()] as const
      const [one, other] = [first, 1 - first] as [0 | 1, 0 | 1]
      await meet(both[0], both[1])
      both[one].swarm.replicate(stores[one], everything)
      await stores[one].put({ _id: 'first', text: 'early' })
      await stores[other].put({ _id: 'second', text: 'late' })
      both[other].swarm.replicate(stores[other], everything)
      await Promise.all([whenDocument(stores[one], 'second'), whenDocument(stores[other], 'first')])
    }
  })

  it('is handed on by who stands between two that cannot reach each other', async () => {
    const everybody = (await people(3, { relay: { serve: false } })) as [Person, Person, Person]
    const [alice, bob, carol] = everybody
    const stores = [openDatabase(), openDatabase(), openDatabase()] as const
    part(alice, carol)
    for (const [index, database] of stores.entries()) everybody[index]?.swarm.replicate(database, everything)
    await meet(alice, bob)
    await meet(bob, carol)
    await stores[0].put({ _id: 'from alice' })
    await stores[2].put({ _id: 'from carol' })
    await Promise.all([whenDocument(stores[2], 'from alice'), whenDocument(stores[0], 'from carol')])
    expect(alice.swarm.peers.map(({ publicKey }) => publicKey)).toEqual([bob.swarm.publicKey])
  })

  it('goes on when the peer came back', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const stores = [openDatabase(), openDatabase()] as const
    alice.swarm.replicate(stores[0], everything)
    bob.swarm.replicate(stores[1], everything)
    await meet(alice, bob)
    await stores[0].put({ _id: 'before' })
    await whenDocument(stores[1], 'before')
    const left = next(alice.swarm, 'peer-left')
    await bob.swarm.close()
    await left
    await stores[0].put({ _id: 'meanwhile' })
    await stores[1].put({ _id: 'alone' })
    const again = nodes.join({ seed: bob.swarm.seed, signals: alice.swarm.servers.map(({ url }) => url) })
    const changed: string[] = []
    again.replicate(stores[1], everything).on('change', ({ change }) => changed.push(...change.docs.map(({ _id }) => _id)))
    await again.call(alice.swarm.publicKey)
    await Promise.all([whenDocument(stores[1], 'meanwhile'), whenDocument(stores[0], 'alone')])
    expect(changed).toEqual(['meanwhile'])
  })

  it('survives the loss of every path', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const stores = [openDatabase(), openDatabase()] as const
    alice.swarm.replicate(stores[0], everything)
    bob.swarm.replicate(stores[1], everything)
    await meet(alice, bob)
    await stores[0].put({ _id: 'before' })
    await whenDocument(stores[1], 'before')
    alice.transport.sever(bob.swarm.publicKey)
    await stores[0].put({ _id: 'after' })
    await whenDocument(stores[1], 'after')
  })

  it('is nobody’s whom `peers` leaves out, and no other name’s', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const stores = [openDatabase(), openDatabase(), openDatabase()] as const
    await stores[0].put({ _id: 'secret' })
    alice.swarm.replicate(stores[0], { ...everything, peers: [] })
    alice.swarm.replicate(stores[1], { ...everything, name: 'other' })
    bob.swarm.replicate(stores[2], everything)
    const replication = bob.swarm.replicate(stores[2], { ...everything, name: 'other' })
    await meet(alice, bob)
    await stores[1].put({ _id: 'open' })
    await whenDocument(stores[2], 'open')
    expect(replication.progress).toMatchObject([{ peer: alice.swarm.publicKey, docsWritten: 1 }])
    await expect(stores[2].get('secret')).rejects.toMatchObject({ status: 404 })
  })

  it('is cut from whom `peers` drops, and begun with whom it takes in', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const stores = [openDatabase(), openDatabase()] as const
    const friends = new Set<string>()
    const replication = alice.swarm.replicate(stores[0], { ...everything, peers: (key) => friends.has(key) })
    const theirs = bob.swarm.replicate(stores[1], everything)
    await meet(alice, bob)
    await stores[0].put({ _id: 'to a friend' })
    friends.add(bob.swarm.publicKey)
    replication.review()
    await whenDocument(stores[1], 'to a friend')
    const paused = new Promise((resolve) => theirs.on('paused', resolve))
    friends.clear()
    alice.transport.sever(bob.swarm.publicKey) // no `review`: a peer that comes back is asked about
    await paused
    while (replication.progress.length > 0) await aTurn()
    await stores[0].put({ _id: 'to nobody' })
    await alice.swarm.peers[0]?.rpc.ping()
    await expect(stores[1].get('to nobody')).rejects.toMatchObject({ status: 404 })
  })

  it('is nobody’s while `peers` throws, and the error is told', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const replication = alice.swarm.replicate(openDatabase(), {
      ...everything,
      peers() {
        throw new Error('no friends yet')
      },
    })
    bob.swarm.replicate(openDatabase(), everything)
    const told = new Promise((resolve) => replication.on('error', resolve))
    await meet(alice, bob)
    expect(await told).toMatchObject({ code: 'ERR_SHARE_PEERS', cause: { message: 'no friends yet' } })
    expect(replication.progress).toEqual([])
  })

  it('ends with the swarm, and says so', async () => {
    const [alice] = (await people(1)) as [Person]
    const replication = alice.swarm.replicate(openDatabase(), everything)
    const complete = new Promise((resolve) => replication.on('complete', resolve))
    await alice.swarm.close()
    expect(await complete).toEqual({ docs_read: 0, docs_written: 0, doc_write_failures: 0 })
    await replication.closed
    expect(() => alice.swarm.replicate(openDatabase(), everything)).toThrow(expect.objectContaining({ code: 'ERR_SWARM_CLOSED' }))
  })

  it('ends with the database, which the swarm survives', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const stores = [openDatabase(), openDatabase()] as const
    alice.swarm.replicate(stores[0], everything)
    const replication = bob.swarm.replicate(stores[1], everything)
    const peer = await meet(alice, bob)
    await stores[0].put({ _id: 'a' })
    await whenDocument(stores[1], 'a')
    const told = new Promise((resolve) => replication.on('error', resolve))
    await stores[1].destroy()
    expect(await told).toMatchObject({ code: 'ERR_SHARE_DATABASE' })
    await replication.closed
    await peer.rpc.ping()
    const error: Promise<SwarmEvents['error']> = next(alice.swarm, 'error')
    await stores[0].close()
    expect((await error)[0]).toMatchObject({ code: 'ERR_SHARE_DATABASE' })
  })
})

describe('swarm.replicate', () => {
  it('refuses at once what cannot be shared', async () => {
    const [alice] = (await people(1)) as [Person]
    const share = (options: object, database: object = openDatabase()) =>
      alice.swarm.replicate(database as ShareableDatabase, options as unknown as ReplicateOptions)
    expect(() => share(everything, {})).toThrow(TypeError)
    expect(() => share({ name: 'notes' })).toThrow(/admit/)
    expect(() => share({ ...everything, push: true })).toThrow(/push/)
    expect(() => share({ ...everything, peers: 'rs1' })).toThrow(/peers/)
    expect(() => share({ ...everything, peers: ['rs1'] })).toThrow(expect.objectContaining({ code: 'ERR_KEY_TEXT' }))
    expect(() => share({ ...everything, name: '' })).toThrow(RangeError)
    expect(() => share({ ...everything, name: 'x'.repeat(STREAM_TYPE_BYTES_MAX - 2) })).toThrow(RangeError)
    share({ ...everything, name: 'x'.repeat(STREAM_TYPE_BYTES_MAX - 3) })
    share(everything)
    expect(() => share(everything)).toThrow(/already/)
    for (let count = 2; count < SHARED_DATABASES_MAX; count++) share({ ...everything, name: `name ${count}` })
    expect(() => share({ ...everything, name: 'one more' })).toThrow(RangeError)
  })

  it('can share a name again once that was cancelled', async () => {
    const [alice] = (await people(1)) as [Person]
    const replication = alice.swarm.replicate(openDatabase(), everything)
    replication.cancel()
    replication.cancel()
    await replication.closed
    await alice.swarm.replicate(openDatabase(), everything)
  })

  it('keeps a peer that nobody shares with away from the application', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const heard: string[] = []
    bob.swarm.on('stream', ({ type }) => void heard.push(type))
    const peer = (await meet(alice, bob)) as ConnectedPeer
    await expect(peer.openStream(databaseType('notes'))).rejects.toBeInstanceOf(TypeError)
    const substream = peer.multiplexer.openSubstream(databaseType('notes'))
    expect(await substream.closed).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(heard).toEqual([])
  })
})
