import { afterEach, describe, expect, it } from '@jest/globals'
import { type PeerId, Scope, type Substream } from '@resilient-swarm/contract'
import { createMultiplexer, type Multiplexer, toChannel } from '@resilient-swarm/multiplexer'
import type { Session } from '@resilient-swarm/session'
import { createChannelPair, createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import { createDatabaseSharing } from '../src/database-sharing.ts'
import { SHARE_RETRY_MS_MAX, SHARE_RETRY_MS_MIN, SHARES_OPENED_BURST, SHARES_OPENED_PER_SECOND } from '../src/limits.ts'
import { databaseType } from '../src/own-types.ts'
import { ConnectedPeer } from '../src/peer.ts'

const Pouch = Core.plugin(memoryAdapter as PouchDB.Plugin)
let databases = 0
const openDatabase = () => new Pouch(`sharing-${process.pid}-${databases++}`, { adapter: 'memory' })
const scopes: Scope[] = []
afterEach(async () => {
  await Promise.all(scopes.splice(0).map((scope) => scope.close()))
})

const everything = { name: 'notes', admit: () => true }
/** PouchDB takes turns of its own, which no virtual clock knows of. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(test: () => boolean): Promise<void> {
  while (!test()) await turn()
}

/** What one side has of the other, over a multiplexer. */
function createSide({ runtime, id, leads }: { runtime: TestRuntime; id: string; leads: boolean }) {
  const scope = new Scope()
  scopes.push(scope)
  let peer: ConnectedPeer | undefined
  const sharing = createDatabaseSharing({
    runtime,
    scope,
    self: 'self' as PeerId,
    peersMax: 24,
    peers: () => (peer ? [peer] : []),
    recordOf: () => undefined,
    nowMs: () => 0,
    call: () => Promise.reject(new Error('nobody is called here')),
    onError() {},
  })
  const accepted: Substream[] = []
  return {
    sharing,
    accepted,
    onSubstream(substream: Substream) {
      accepted.push(substream)
      sharing.accept(peer as ConnectedPeer, substream)
    },
    connect(multiplexer: Multiplexer) {
      const session = { closed: new Promise(() => {}), sendingPath: undefined } as unknown as Session
      peer = new ConnectedPeer({ id: id as PeerId, session, multiplexer, leads, clock: runtime.clock })
      return peer
    },
  }
}

/** Alice's sharing, and a peer who does with her substreams what `onSubstream` says. */
function alone(onSubstream: (substream: Substream) => void) {
  const runtime = createTestRuntime()
  const [near, far] = createChannelPair()
  const alice = createSide({ runtime, id: 'bob', leads: false })
  const theirs = createMultiplexer({ channel: far, role: 'initiator', runtime, onSubstream })
  const peer = alice.connect(createMultiplexer({ channel: near, role: 'responder', runtime, onSubstream: alice.onSubstream }))
  return { runtime, alice, theirs, peer }
}

describe('a peer that does not share the name', () => {
  it('is asked again ever more seldom, and once a minute in the end', async () => {
    const openedMs: number[] = []
    const { runtime, alice, peer } = alone((substream) => {
      openedMs.push(runtime.clock.monotonic())
      substream.reset()
    })
    alice.sharing.share(openDatabase(), everything)
    const pauses = [1, 2, 4, 8, 16, 32]
      .map((factor) => factor * SHARE_RETRY_MS_MIN)
      .concat(SHARE_RETRY_MS_MAX, SHARE_RETRY_MS_MAX)
    for (const [index, pauseMs] of pauses.entries()) {
      await until(() => openedMs.length === index + 1)
      await until(() => peer.multiplexer.substreams.length === 0)
      for (let count = 0; count < 20; count++) await turn()
      await runtime.clock.advance(pauseMs - 1)
      expect(openedMs).toHaveLength(index + 1)
      await runtime.clock.advance(1)
    }
    expect(openedMs.map((atMs, index) => atMs - (openedMs[index - 1] ?? atMs)).slice(1)).toEqual(
      pauses.slice(0, openedMs.length - 1),
    )
    // Being asked is no use of a peer, or no link in the swarm would ever be let go.
    expect(peer.idleMs).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a peer that opens a shared database', () => {
  it(`may do so ${SHARES_OPENED_BURST} times at once, and ${SHARES_OPENED_PER_SECOND} a second after that`, async () => {
    const { runtime, alice, theirs } = alone((substream) => substream.reset())
    alice.sharing.share(openDatabase(), everything)
    async function isAnswered(): Promise<boolean> {
      const substream = theirs.openSubstream(databaseType('notes'))
      const answered = new Promise<boolean>((resolve) => {
        toChannel(substream).onMessage = () => resolve(true)
      })
      return Promise.race([answered, substream.closed.then(() => false)])
    }
    for (let count = 0; count < SHARES_OPENED_BURST; count++) expect(await isAnswered()).toBe(true)
    expect(await isAnswered()).toBe(false)
    await runtime.clock.advance(1_000 / SHARES_OPENED_PER_SECOND)
    expect(await isAnswered()).toBe(true)
    expect(await isAnswered()).toBe(false)
  })
})

describe('two who open one at the same time', () => {
  it('go on with that of the larger key, and use each other from then on', async () => {
    const runtime = createTestRuntime()
    const [near, far] = createChannelPair()
    const alice = createSide({ runtime, id: 'bob', leads: true })
    const bob = createSide({ runtime, id: 'alice', leads: false })
    const bobPeer = alice.connect(
      createMultiplexer({ channel: near, role: 'initiator', runtime, onSubstream: alice.onSubstream }),
    )
    const alicePeer = bob.connect(createMultiplexer({ channel: far, role: 'responder', runtime, onSubstream: bob.onSubstream }))
    const replications = [alice, bob].map(({ sharing }) => sharing.share(openDatabase(), everything))
    const paused = replications.map((replication) => new Promise((resolve) => replication.on('paused', resolve)))
    await until(() => alice.accepted.length > 0 && bob.accepted.length > 0)
    // Bob's is refused by alice, who leads, as soon as she has let it have its turn.
    const lost = (alice.accepted[0] as Substream).closed
    await runtime.clock.advance(1)
    expect(await lost).toMatchObject({ kind: 'reset' })
    await Promise.all(paused)
    for (const { multiplexer, idleMs } of [alicePeer, bobPeer]) {
      expect(multiplexer.substreams.map(({ type }) => type)).toEqual([databaseType('notes')])
      expect(idleMs).toBe(0)
    }
    expect(replications.map(({ progress }) => progress.length)).toEqual([1, 1])
  })
})
