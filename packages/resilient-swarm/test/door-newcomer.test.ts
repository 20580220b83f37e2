import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createRuntime, encodeHex, type PeerId } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createSignalExchange } from '@resilient-swarm/signal-exchange'
import { createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { type SwarmOptions, webrtc } from '../src/index.ts'
import type { ConnectedPeer } from '../src/peer.ts'
import { connected } from './nodes.ts'
import { meet, nodes, type Person, part } from './path-people.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
  await nodes.end()
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function person(options: SwarmOptions): Person {
  const transport = createBreakableTransport(webrtc())
  return { transport, swarm: nodes.join({ transports: [transport], relay: { serve: false }, ...options }) }
}

/** Alice is a door; carol is connected to bob alone, and bob to both. No server lives; the door is where newcomers dial. */
async function swarmWithDoor(ofAlice: SwarmOptions = {}) {
  const server = await nodes.serve()
  const port = await freePort()
  const alice = person({ signals: [server.url], exchange: { port, host: '127.0.0.1' }, ...ofAlice })
  const [bob, carol] = [person({ signals: [server.url] }), person({ signals: [server.url] })]
  part(alice, carol)
  await meet(alice, bob)
  await meet(carol, bob)
  const { table } = alice.swarm
  await until(() => table.get(carol.swarm.publicKey)?.links.some(({ key }) => key === bob.swarm.publicKey) === true)
  await server.close()
  return { alice, bob, carol, door: `ws://127.0.0.1:${port}` }
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Counts the signals that a node hands to its peers from now on. */
function handedOn({ swarm }: Person): () => number {
  let count = 0
  for (const { rpcSession } of swarm.peers as ConnectedPeer[]) {
    const call = rpcSession.call.bind(rpcSession) as (...words: unknown[]) => never
    Object.assign(rpcSession, {
      call(method: string, ...rest: unknown[]) {
        if (method === 'signal') count++
        return call(method, ...rest)
      },
    })
  }
  return () => count
}

/** Whoever knows the signal protocol, and need not be a node. */
function client(door: string) {
  const keyPair = createKeyPair()
  const exchange = createSignalExchange({ urls: [door], keyPair, network: 'public', runtime: createRuntime() })
  closers.push(() => exchange.close())
  const received: Uint8Array[] = []
  exchange.onSignal = ({ box }) => received.push(box)
  const send = (to: PeerId, box = new Uint8Array(1152)) =>
    exchange.send({ to, id: encodeHex(crypto.getRandomValues(new Uint8Array(16))), box }).then(
      () => 'sent',
      (error: { code: string }) => error.code,
    )
  return { id: keyPair.peerId, exchange, received, send }
}

describe('a newcomer with the URL of a door', () => {
  it('calls anybody of the swarm by key, also who is neither at the door nor connected to its owner', async () => {
    const { alice, carol, door } = await swarmWithDoor()
    expect(alice.swarm.peers.map(({ publicKey }) => publicKey)).not.toContain(carol.swarm.publicKey)
    const dave = person({ signals: [door] })
    const startMs = performance.now()
    const peer = await dave.swarm.call(carol.swarm.publicKey, { signal: AbortSignal.timeout(15_000) })
    process.stdout.write(`a newcomer met somebody behind the door in ${Math.round(performance.now() - startMs)} ms\n`)
    expect(peer.publicKey).toBe(carol.swarm.publicKey)
  }, 30_000)

  it('that the owner does not admit gets nothing from it, not even an offer', async () => {
    const asked: PeerId[] = []
    let isOpen = true
    const { carol, door } = await swarmWithDoor({ admit: (id) => asked.push(id) > 0 && isOpen })
    isOpen = false
    const mallory = client(door)
    await mallory.exchange.ready
    expect(await mallory.send(carol.swarm.publicKey)).toBe('ERR_SIGNAL_OFFLINE')
    await until(() => asked.includes(mallory.id))
    await mallory.exchange.lookup([carol.swarm.publicKey]) // a round trip after which an offer would be here
    expect(mallory.received).toEqual([])
  }, 30_000)
})

describe('mallory at a door', () => {
  it('floods it with signals, and none goes into the swarm; what comes back to her is one call', async () => {
    const { alice, bob, carol, door } = await swarmWithDoor()
    const counts = [handedOn(alice), handedOn(bob)]
    const mallory = client(door)
    await mallory.exchange.ready
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, index) => mallory.send(index % 2 ? carol.swarm.publicKey : createKeyPair().peerId)),
    )
    expect(new Set(outcomes)).toEqual(new Set(['ERR_SIGNAL_OFFLINE', 'ERR_SIGNAL_RATE']))
    await until(() => mallory.received.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 1_500)) // one repetition, and what the swarm would carry by then
    expect(counts.map((count) => count())).toEqual([0, 0])
    expect(mallory.received.length).toBeLessThan(10)
    const dave = person({ signals: [door] })
    await Promise.all([dave.swarm.call(carol.swarm.publicKey), connected(bob.swarm, dave.swarm)])
  }, 40_000)
})
