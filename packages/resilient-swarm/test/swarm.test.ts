import { afterEach, describe, expect, it } from '@jest/globals'
import { SwarmError, utf8 } from '@resilient-swarm/contract'
import { type Peer, Swarm } from '../src/index.ts'
import { connected, createNodes, next } from './nodes.ts'

const nodes = createNodes()
afterEach(() => nodes.end())

async function aliceAndBob(options: { alice?: object; bob?: object } = {}) {
  const server = await nodes.serve()
  const alice = nodes.join({ signals: [server.url], ...options.alice })
  const bob = nodes.join({ signals: [server.url], ...options.bob })
  return { server, alice, bob }
}

describe('a call', () => {
  it('resolves with the peer on the side that calls, and tells both', async () => {
    const { alice, bob } = await aliceAndBob()
    const [peer] = await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    expect(peer.publicKey).toBe(bob.publicKey)
    expect(peer.path.kind).toBe('webrtc')
    expect(alice.peers.map(({ publicKey }) => publicKey)).toEqual([bob.publicKey])
    expect(await alice.call(bob.publicKey)).toBe(peer)
  })

  it('is one connection when both call at the same time', async () => {
    const { alice, bob } = await aliceAndBob()
    await Promise.all([alice.ready, bob.ready])
    let met = 0
    alice.on('peer', () => met++)
    bob.on('peer', () => met++)
    const [toBob, toAlice] = await Promise.all([alice.call(bob.publicKey), bob.call(alice.publicKey)])
    expect([toBob.publicKey, toAlice.publicKey]).toEqual([bob.publicKey, alice.publicKey])
    await toBob.rpc.ping()
    expect(met).toBe(2)
  })

  it('fails for a text that is no key, for the own key, and when cancelled', async () => {
    const { alice, bob } = await aliceAndBob()
    const typo = bob.publicKey.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))
    await expect(alice.call(typo)).rejects.toMatchObject({ code: 'ERR_KEY_TEXT' })
    expect(() => alice.call(alice.publicKey)).toThrow(/its own key/)
    expect(() => alice.call(bob.publicKey, { timeout: 5 } as object)).toThrow(/unknown option 'timeout'/)
    await bob.close()
    const controller = new AbortController()
    const called = alice.call(bob.publicKey, { signal: controller.signal })
    controller.abort()
    await expect(called).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('gives up after its time and says what was tried', async () => {
    const { alice, bob } = await aliceAndBob({ alice: { callTimeoutMs: 300 } })
    await Promise.all([alice.ready, bob.close()])
    const told = next(alice, 'error')
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', retryable: true })
    expect((await told)[0]).toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    const tried = alice.why(bob.publicKey).map(({ text }) => text)
    expect(tried[0]).toMatch(/^signal: ERR_SIGNAL_OFFLINE/)
    expect(tried.at(-1)).toMatch(/^webrtc: no path stood/)
  })

  it('is refused by a node that does not admit the caller, which learns it at once', async () => {
    const { alice, bob } = await aliceAndBob({ bob: { admit: () => false } })
    await Promise.all([alice.ready, bob.ready])
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_REFUSED' })
    expect(
      alice
        .why(bob.publicKey)
        .map(({ text }) => text)
        .join(),
    ).toContain('does not admit')
    expect([alice.peers, bob.peers]).toEqual([[], []])
  })

  it('fails when the caller itself does not admit the peer', async () => {
    const { alice, bob } = await aliceAndBob({ alice: { admit: async () => false } })
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_NOT_ADMITTED' })
    expect(alice.peers).toEqual([])
  })

  it('does not cross networks', async () => {
    const { alice, bob } = await aliceAndBob({ alice: { network: 'one', callTimeoutMs: 500 }, bob: { network: 'two' } })
    await Promise.all([alice.ready, bob.ready])
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
  })
})

describe('peers', () => {
  it('answer rpc: the built-in ping and the application’s methods', async () => {
    type Remote = { sum(a: number, b: number): Promise<number>; who(): Promise<string> }
    const server = await nodes.serve()
    const methods = (peer: Peer) => ({ sum: (a: number, b: number) => a + b, who: () => peer.publicKey })
    const alice = new Swarm<Remote>({ signals: [server.url] })
    const bob = nodes.join({ signals: [server.url], methods })
    try {
      const peer = await alice.call(bob.publicKey)
      expect(await peer.rpc.sum(1, 2)).toBe(3)
      expect(await peer.rpc.who()).toBe(alice.publicKey)
      expect(Math.abs((await peer.rpc.ping()) - Date.now())).toBeLessThan(5_000)
      expect(peer.rttMs).toBeGreaterThan(0)
    } finally {
      await alice.close()
    }
  })

  it('open substreams to each other, and bytes arrive in order', async () => {
    const { alice, bob } = await aliceAndBob()
    const arrived = next(bob, 'stream')
    const peer = await alice.call(bob.publicKey)
    const stream = await peer.openStream('chat')
    const writer = stream.writable.getWriter()
    await writer.write(utf8('hello '))
    await writer.write(utf8('bob'))
    await writer.close()
    const [incoming, from] = await arrived
    expect([incoming.type, from.publicKey]).toEqual(['chat', alice.publicKey])
    expect(await new Response(incoming.readable).text()).toBe('hello bob')
  })

  it('reset a substream that nobody listens for', async () => {
    const { alice, bob } = await aliceAndBob()
    const peer = await alice.call(bob.publicKey)
    const stream = await peer.openStream('nobody')
    expect(await stream.closed).toMatchObject({ kind: 'reset', by: 'peer' })
  })

  it.each(['db', 'dnode', 'relay'])('keep the substream type %s for the swarm', async (type) => {
    const { alice, bob } = await aliceAndBob()
    const peer = await alice.call(bob.publicKey)
    await expect(peer.openStream(type)).rejects.toThrow(TypeError)
  })

  it('have substream types of 1 to 64 bytes', async () => {
    const { alice, bob } = await aliceAndBob()
    const peer = await alice.call(bob.publicKey)
    await expect(peer.openStream('')).rejects.toThrow(RangeError)
    await expect(peer.openStream('ü'.repeat(33))).rejects.toThrow(RangeError)
    expect((await peer.openStream('ü'.repeat(32))).type).toHaveLength(32)
    const cancelled = peer.openStream('chat', { signal: AbortSignal.abort() })
    await expect(cancelled).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('are told to a late listener, once each', async () => {
    const { alice, bob } = await aliceAndBob()
    await alice.call(bob.publicKey)
    const told: string[] = []
    alice.on('peer', (peer) => told.push(peer.publicKey))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(told).toEqual([bob.publicKey])
  })

  it('that close leave at once, in words', async () => {
    const { alice, bob } = await aliceAndBob()
    const [peer] = await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    const left = next(alice, 'peer-left')
    await bob.close()
    const [who, reason, error] = await left
    expect([who, reason, error]).toEqual([peer, 'left', undefined])
    await expect(peer.openStream('chat')).rejects.toMatchObject({ code: 'ERR_PEER_GONE' })
    await peer.closed
  })
})

describe('a swarm', () => {
  it('is the same node again with the same seed, and the older instance is displaced', async () => {
    const { alice, bob, server } = await aliceAndBob()
    await alice.call(bob.publicKey)
    const displaced = next(alice, 'displaced')
    const again = nodes.join({ signals: [server.url], seed: alice.seed })
    expect(again.publicKey).toBe(alice.publicKey)
    await displaced
    expect((await again.call(bob.publicKey)).publicKey).toBe(bob.publicKey)
  })

  it('says when no server answers, and ready fails only after its time', async () => {
    const alice = nodes.join({ signals: ['ws://127.0.0.1:9'] })
    const [error] = await next(alice, 'error')
    expect(error).toMatchObject({ code: 'ERR_NO_SIGNAL_SERVER' })
    expect(error.message).toContain('npx @resilient-swarm/signal-server')
    await alice.close()
    await expect(alice.ready).rejects.toMatchObject({ code: 'ERR_SWARM_CLOSED' })
  })

  it('closes and destroys as often as one likes, and calls nobody afterwards', async () => {
    const { alice, bob } = await aliceAndBob()
    await alice.call(bob.publicKey)
    await Promise.all([alice.close(), alice.close()])
    alice.destroy()
    await expect(alice.call(bob.publicKey)).rejects.toMatchObject({ code: 'ERR_SWARM_CLOSED' })
    bob.destroy()
    bob.destroy()
    await bob.close()
    await expect(bob.call(alice.publicKey)).rejects.toBeInstanceOf(SwarmError)
  })
})
