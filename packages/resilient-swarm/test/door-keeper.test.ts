import { afterEach, describe, expect, it } from '@jest/globals'
import { type PeerId, Scope, type SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { PeerRecord } from '@resilient-swarm/peer-table'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { createDoorKeeper } from '../src/door-keeper.ts'
import { createHistory } from '../src/history.ts'
import { homeless } from '../src/home.ts'
import { DOOR_FAILURES_MAX, DOOR_LINGER_MS, DOOR_PATIENCE_MS, DOOR_RETRY_MS_MAX, MEMORY_INTERVAL_MS } from '../src/limits.ts'
import { encodeMemory, type Memory, parseMemory } from '../src/memory.ts'
import type { Signalling } from '../src/signalling.ts'

const [self, alice, bob, mallory] = [0, 1, 2, 3].map(() => createKeyPair().peerId) as [PeerId, PeerId, PeerId, PeerId]
const scopes: Scope[] = []
afterEach(async () => {
  await Promise.all(scopes.splice(0).map((scope) => scope.close()))
})

interface Beginning {
  readonly memory?: Memory
  readonly kept?: string
  readonly doors?: Record<string, readonly PeerId[]>
  readonly hasHopes?: boolean
  readonly servers?: { url: string; state: 'registered' }[]
}
/** One keeper and the world around it, which the test moves. */
async function keeper({ memory, kept, doors = {}, hasHopes = false, servers = [] }: Beginning = {}) {
  const runtime = createTestRuntime({ seed: 7 })
  const scope = new Scope()
  scopes.push(scope)
  const world = {
    connected: new Set<PeerId>(),
    records: new Map<PeerId, PeerRecord>(),
    /** Who is at which door that answers. */
    doors: new Map(Object.entries(doors)),
    isRegistered: false,
    hasHopes,
    servers,
    visits: [] as { url: string; atMs: number }[],
    open: 0,
    openMost: 0,
    calls: [] as PeerId[],
    errors: [] as SwarmError[],
    kept: kept ?? (memory && encodeMemory(memory)),
    keepFails: false,
  }
  const visit: Signalling['visit'] = (url) => {
    world.visits.push({ url, atMs: runtime.clock.monotonic() })
    world.openMost = Math.max(world.openMost, ++world.open)
    let isOpen = true
    return {
      url,
      registered: world.doors.has(url) ? Promise.resolve() : Promise.reject(new Error('nobody answers')),
      lookup: async (ids) => new Set(ids.filter((id) => world.doors.get(url)?.includes(id))),
      close() {
        if (isOpen) world.open--
        isOpen = false
      },
    }
  }
  const signalling = {
    ownDoors: ['ws://own/'],
    visit,
    get isRegistered() {
      return world.isRegistered
    },
    get hasHopes() {
      return world.hasHopes
    },
    get servers() {
      return world.servers
    },
  } as unknown as Signalling
  const keeping = createDoorKeeper({
    self,
    runtime,
    scope,
    history: createHistory(runtime.clock),
    home: {
      ...homeless(undefined),
      recall: async () => world.kept,
      async keep(_, text) {
        if (world.keepFails) throw new Error('ENOSPC')
        world.kept = text
      },
    },
    signalling,
    connected: () => [...world.connected],
    isKnownPeer: (id) => world.connected.has(id),
    recordOf: (id) => world.records.get(id),
    async call(id) {
      world.calls.push(id)
      if (![...world.doors.values()].flat().includes(id)) throw new Error('not reached')
      world.connected.add(id)
      keeping.onPeer(id)
    },
    onError: (error) => world.errors.push(error),
  })
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) await runtime.clock.advance(100)
  }
  await runtime.clock.advance(0)
  const recordOf = (id: PeerId, servers: readonly string[], left = false): PeerRecord => {
    const record = { id, seq: 1, links: [], relay: false, servers, createdMs: 0, expiresMs: 1, left }
    world.records.set(id, record)
    return record
  }
  return { keeping, world, pass, recordOf, runtime }
}
const visited = (world: { visits: { url: string }[] }) => world.visits.map(({ url }) => url)

describe('a node that has nobody', () => {
  it('goes to a door that it remembers, calls its owner there, and leaves it', async () => {
    const { world, pass } = await keeper({
      memory: { doors: [{ url: 'ws://a/', peer: alice, worked: true }], met: [alice, bob] },
      doors: { 'ws://a/': [alice, bob] },
    })
    await pass(1_000)
    expect([visited(world), world.calls, world.open]).toEqual([['ws://a/'], [alice], 0])
    await pass(60_000)
    expect(world.visits).toHaveLength(1)
  })

  it('calls whom it met and who is there, where the door is nobody’s', async () => {
    const { world, pass } = await keeper({
      memory: { doors: [{ url: 'ws://a/', worked: true }], met: [alice, bob] },
      doors: { 'ws://a/': [bob, mallory] },
    })
    await pass(1_000)
    expect(world.calls).toEqual([bob])
  })

  it('waits while a server of its own may still answer, and does nothing while one does', async () => {
    const { world, pass } = await keeper({
      memory: { doors: [{ url: 'ws://a/', peer: alice, worked: true }], met: [] },
      hasHopes: true,
    })
    await pass(DOOR_PATIENCE_MS - 500)
    expect(world.visits).toEqual([])
    world.isRegistered = true
    world.connected.add(alice)
    await pass(60_000)
    expect(world.visits).toEqual([])
  })

  it('tries one door at a time, each less and less often', async () => {
    const doors = ['a', 'b', 'c'].map((name) => ({ url: `ws://${name}/`, worked: false }))
    const { world, pass } = await keeper({ memory: { doors, met: [] } })
    const hourMs = 3_600_000
    await pass(hourMs)
    expect(world.openMost).toBe(1)
    for (const { url } of doors) {
      const times = world.visits.filter((visit) => visit.url === url).map(({ atMs }) => atMs)
      expect(times.length).toBeGreaterThan(hourMs / DOOR_RETRY_MS_MAX)
      expect(times.length).toBeLessThan((2 * hourMs) / DOOR_RETRY_MS_MAX + 12)
    }
  })

  it('stays a while where it found nobody, for others who may be on their way', async () => {
    const { world, pass } = await keeper({
      memory: { doors: [{ url: 'ws://a/', worked: true }], met: [alice] },
      doors: { 'ws://a/': [] },
    })
    await pass(DOOR_LINGER_MS - 1_000)
    expect(world.open).toBe(1)
    await pass(2_000)
    expect(world.open).toBe(0)
  })

  it('never goes to its own door, nor to one where it is', async () => {
    const doors = ['ws://own/', 'ws://here/'].map((url) => ({ url, worked: true }))
    const { world, pass } = await keeper({ memory: { doors, met: [] }, servers: [{ url: 'ws://here/', state: 'registered' }] })

    await pass(60_000)
    expect(world.visits).toEqual([])
  })
})

describe('doors that records tell of', () => {
  it('are never tried by hearsay', async () => {
    const { keeping, world, pass, recordOf } = await keeper()
    for (let count = 0; count < 50; count++) keeping.onRecord(recordOf(createKeyPair().peerId, ['ws://victim/']))
    await pass(600_000)
    expect(world.visits).toEqual([])
  })

  it('are those of connected peers, whether the record comes before the peer or after', async () => {
    const { keeping, world, pass, recordOf } = await keeper()
    recordOf(alice, ['ws://a/'])
    for (const id of [alice, bob]) {
      world.connected.add(id)
      keeping.onPeer(id)
    }
    keeping.onRecord(recordOf(bob, ['ws://b/']))
    await pass(MEMORY_INTERVAL_MS)
    world.connected.clear()
    await pass(10_000)
    expect(new Set(visited(world))).toEqual(new Set(['ws://a/', 'ws://b/']))
  })

  it('are tried when their owner is missing, though others are there', async () => {
    const { keeping, world, pass, recordOf } = await keeper()
    world.isRegistered = true
    world.connected.add(bob).add(alice)
    keeping.onPeer(alice)
    keeping.onRecord(recordOf(alice, ['ws://a/']))
    await pass(60_000)
    expect(world.visits).toEqual([])
    world.connected.delete(alice)
    await pass(DOOR_PATIENCE_MS - 600)
    expect(world.visits).toEqual([])
    await pass(1_200)
    expect(world.visits).toHaveLength(1)
    world.doors.set('ws://a/', [alice])
    await pass(3_000)
    expect(world.connected.has(alice)).toBe(true)
    await pass(60_000)
    expect(world.visits).toHaveLength(2)
  })

  it(`are let be after ${DOOR_FAILURES_MAX} failures while there are others`, async () => {
    const { keeping, world, pass, recordOf } = await keeper()
    world.connected.add(bob).add(alice)
    keeping.onPeer(alice)
    keeping.onRecord(recordOf(alice, ['ws://a/']))
    world.connected.delete(alice)
    await pass(4 * 3_600_000)
    expect(world.visits).toHaveLength(DOOR_FAILURES_MAX)
  })
})

describe('what is remembered', () => {
  it('is written soon after it is learned, and at the end', async () => {
    const { keeping, world, pass, recordOf } = await keeper()
    world.servers = [{ url: 'ws://server/', state: 'registered' }]
    recordOf(alice, ['ws://a/'])
    world.connected.add(alice)
    keeping.onPeer(alice)
    await pass(MEMORY_INTERVAL_MS)
    expect(parseMemory(world.kept ?? '')).toEqual({
      doors: [
        { url: 'ws://a/', peer: alice, worked: false },
        { url: 'ws://server/', worked: true },
      ],
      met: [alice],
    })
    world.connected.add(bob)
    keeping.onPeer(bob)
    await keeping.close()
    expect(parseMemory(world.kept ?? '')?.met).toEqual([bob, alice])
  })

  it('is told when it is torn or cannot be written, and begins anew', async () => {
    const { keeping, world, pass } = await keeper({ kept: '{"version":1,"doo' })
    expect(world.errors).toMatchObject([{ code: 'ERR_MEMORY' }])
    world.keepFails = true
    world.connected.add(alice)
    keeping.onPeer(alice)
    await pass(MEMORY_INTERVAL_MS)
    expect(world.errors).toMatchObject([{ code: 'ERR_MEMORY' }, { code: 'ERR_MEMORY' }])
    world.keepFails = false
    keeping.onPeer(alice)
    await keeping.close()
    expect(parseMemory(world.kept ?? '')?.met).toEqual([alice])
  })
})
