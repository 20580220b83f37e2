import { afterEach, describe, expect, it } from '@jest/globals'
import { type Clock, createRuntime } from '@resilient-swarm/contract'
import { type BreakableTransport, createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { type Peer, type Swarm, webrtc } from '../src/index.ts'
import { connected, createNodes } from './nodes.ts'

const nodes = createNodes()
afterEach(() => nodes.end())

const ENDS_WITHIN_MS = 1_000

interface Person {
  readonly swarm: Swarm
  readonly transport: BreakableTransport
  /** Timers of this node that wait. */
  readonly timers: Set<object>
}

/** A node whose timers can be counted. */
function person(url: string): Person {
  const runtime = createRuntime()
  const timers = new Set<object>()
  const clock: Clock = {
    now: () => runtime.clock.now(),
    monotonic: () => runtime.clock.monotonic(),
    setTimer(delayMs, fire) {
      const timer = runtime.clock.setTimer(delayMs, () => {
        timers.delete(timer)
        fire()
      })
      timers.add(timer)
      return {
        cancel() {
          timers.delete(timer)
          timer.cancel()
        },
      }
    },
  }
  const transport = createBreakableTransport(webrtc())
  return { timers, transport, swarm: nodes.join({ signals: [url], transports: [transport], runtime: { ...runtime, clock } }) }
}

function part(one: Person, other: Person): void {
  one.transport.forbid(other.swarm.publicKey)
  other.transport.forbid(one.swarm.publicKey)
}

async function meet(one: Person, other: Person): Promise<Peer> {
  const [peer] = await Promise.all([one.swarm.call(other.swarm.publicKey), connected(other.swarm, one.swarm)])
  return peer
}

/** Alice and bob, who cannot reach each other directly, and ruth between them. */
async function three(): Promise<[alice: Person, bob: Person, ruth: Person]> {
  const { url } = await nodes.serve()
  const people: [Person, Person, Person] = [person(url), person(url), person(url)]
  const [alice, bob, ruth] = people
  part(alice, bob)
  await Promise.all([meet(alice, ruth), meet(bob, ruth)])
  return people
}

const states: Record<string, () => Promise<Person>> = {
  async 'reached by a circuit'() {
    const [alice, bob] = await three()
    await meet(alice, bob)
    return alice
  },
  async 'relaying for others'() {
    const [alice, bob, ruth] = await three()
    await meet(alice, bob)
    return ruth
  },
  async 'dialling circuits'() {
    const [alice, bob] = await three()
    alice.swarm.call(bob.swarm.publicKey).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 255))
    return alice
  },
  async 'without a path to a peer'() {
    const { url } = await nodes.serve()
    const [alice, bob] = [person(url), person(url)]
    const peer = await meet(alice, bob)
    void peer.rpc.ping().catch(() => {})
    part(alice, bob)
    const lost = new Promise<void>((resolve) => peer.on('reconnecting', resolve))
    alice.transport.sever(bob.swarm.publicKey)
    await lost
    await peer.openStream('chat')
    return alice
  },
  async 'with a path that is mute'() {
    const { url } = await nodes.serve()
    const [alice, bob] = [person(url), person(url)]
    const peer = await meet(alice, bob)
    alice.transport.mute(bob.swarm.publicKey)
    await peer.openStream('chat')
    return alice
  },
}

describe.each(Object.keys(states))('a node %s', (state) => {
  it.each(['close', 'destroy'] as const)('leaves nothing alive after %s', async (how) => {
    const { swarm, timers } = await (states[state] as () => Promise<Person>)()
    const startedMs = performance.now()
    await swarm[how]()
    while (timers.size > 0 && performance.now() - startedMs < ENDS_WITHIN_MS) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(timers.size).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS)
    expect(swarm.peers).toHaveLength(0)
    expect(swarm.relay).toMatchObject({ circuits: 0, ownCircuits: 0 })
  })
})
