import { afterEach, describe, expect, it } from '@jest/globals'
import { createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { type SwarmOptions, webrtc } from '../src/index.ts'
import { next } from './nodes.ts'
import { happens, MIB, meet, nodes, type Person, part, partedByTheNetwork, people, transfer, unite } from './path-people.ts'

afterEach(() => nodes.end())

describe('two peers who cannot reach each other', () => {
  it('talk through a neighbour of both', async () => {
    const { bob, others, peer } = await partedByTheNetwork()
    const [ruth] = others as [Person]
    expect(peer.path).toMatchObject({ kind: 'circuit', via: ruth.swarm.publicKey })
    expect(Math.abs((await peer.rpc.ping()) - Date.now())).toBeLessThan(5_000)
    await (await transfer(peer, bob.swarm, MIB)).finish()
    expect(ruth.swarm.relay).toMatchObject({ serves: true, circuits: 1 })
    expect(ruth.swarm.relay.bytesForwarded).toBeGreaterThan(MIB)
  })

  it('are connected directly as soon as the network lets them, and a transfer goes on', async () => {
    const { alice, bob, peer } = await partedByTheNetwork()
    const file = await transfer(peer, bob.swarm, 8 * MIB)
    await file.at(MIB)
    unite(alice, bob)
    const direct = happens(peer, 'path', ({ kind }) => kind === 'webrtc')
    await file.finish()
    await direct
    expect(peer.path).toMatchObject({ kind: 'webrtc', via: undefined })
  }, 60_000)

  it('are told in words what was tried', async () => {
    const { alice, bob, others } = await partedByTheNetwork()
    const told = alice.swarm.why(bob.swarm.publicKey).map(({ text }) => text)
    expect(told.join('\n')).toContain(`through ${others[0]?.swarm.publicKey}`)
    expect(told.join('\n')).toContain('ERR_TEST_FORBIDDEN')
  })

  it('are refused by `admit` on this way too', async () => {
    const [ruth] = (await people(1)) as [Person]
    const [signals] = [ruth.swarm.servers.map(({ url }) => url)]
    const make = (options: SwarmOptions): Person => {
      const transport = createBreakableTransport(webrtc())
      return { transport, swarm: nodes.join({ signals, transports: [transport], ...options }) }
    }
    const alice = make({})
    const bob = make({ admit: (id) => id === ruth.swarm.publicKey })
    part(alice, bob)
    await Promise.all([meet(alice, ruth), meet(bob, ruth)])
    await expect(alice.swarm.call(bob.swarm.publicKey)).rejects.toMatchObject({ code: 'ERR_REFUSED' })
    expect(bob.swarm.peers).toHaveLength(1)
  })
})

describe('a relay whose `allow` is broken', () => {
  it.each([
    [
      'fails',
      () => {
        throw new Error('broken')
      },
    ],
    ['answers with a promise', () => Promise.resolve(true) as unknown as boolean],
  ])('relays for nobody and goes on: it %s', async (_, allow) => {
    const [ruth, alice, bob] = (await people(3, { relay: { allow }, callTimeoutMs: 2_000 })) as [Person, Person, Person]
    part(alice, bob)
    await Promise.all([meet(alice, ruth), meet(bob, ruth)])
    await expect(alice.swarm.call(bob.swarm.publicKey)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    const told = alice.swarm.why(bob.swarm.publicKey).map(({ text }) => text)
    expect(told.join('\n')).toContain('notAllowed')
    expect(ruth.swarm.peers).toHaveLength(2)
  })
})

describe('a path that dies under a transfer', () => {
  it.each(['sever', 'mute'] as const)(
    '%s the direct one: a circuit takes over, every byte arrives once',
    async (how) => {
      const [alice, bob, ruth] = (await people(3)) as [Person, Person, Person]
      await Promise.all([meet(alice, ruth), meet(bob, ruth)])
      const peer = await meet(alice, bob)
      const file = await transfer(peer, bob.swarm, 16 * MIB)
      await file.at(2 * MIB)
      part(alice, bob)
      const relayed = happens(peer, 'path', ({ via }) => via === ruth.swarm.publicKey)
      alice.transport[how](bob.swarm.publicKey)
      await Promise.all([file.finish(), relayed])
      expect(alice.swarm.peers).toContain(peer)
    },
    60_000,
  )

  it('the relay leaves: another one takes over', async () => {
    const { bob, others, peer } = await partedByTheNetwork(2)
    const file = await transfer(peer, bob.swarm, 16 * MIB)
    await file.at(2 * MIB)
    const used = others.find(({ swarm }) => swarm.publicKey === peer.path.via)
    await used?.swarm.close()
    await file.finish()
    expect(others.map(({ swarm }) => swarm.publicKey)).toContain(peer.path.via)
    expect(peer.path.via).not.toBe(used?.swarm.publicKey)
  }, 60_000)

  it('all of them, for a while: everything pauses and goes on', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const peer = await meet(alice, bob)
    const file = await transfer(peer, bob.swarm, 8 * MIB)
    await file.at(MIB)
    const [lost, found] = [happens(peer, 'reconnecting'), happens(peer, 'reconnected')]
    part(alice, bob)
    alice.transport.sever(bob.swarm.publicKey)
    await lost
    expect(peer.state).toBe('reconnecting')
    const asked = peer.rpc.ping()
    unite(alice, bob)
    await found
    await asked
    await file.finish()
    expect(peer.state).toBe('connected')
  }, 60_000)
})

describe('a peer that does not come back', () => {
  it('is lost with ERR_PATH_LOST on both sides after half a minute, and nothing hangs', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person]
    const peer = await meet(alice, bob)
    const stream = await peer.openStream('chat')
    const left = [next(alice.swarm, 'peer-left'), next(bob.swarm, 'peer-left')]
    part(alice, bob)
    alice.transport.sever(bob.swarm.publicKey)
    for (const [, reason, error] of await Promise.all(left)) {
      expect(reason).toBe('lost')
      expect(error).toMatchObject({ code: 'ERR_PATH_LOST' })
    }
    expect((await stream.closed).kind).toBe('reset')
    await expect(peer.openStream('chat')).rejects.toMatchObject({ code: 'ERR_PEER_GONE' })
  }, 60_000)
})
