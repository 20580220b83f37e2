import type { Channel, PeerId, Runtime, Substream } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { createMultiplexer, type Multiplexer } from '@resilient-swarm/multiplexer'
import { type ChannelPairOptions, createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createRelay, type IncomingCircuit, type Relay, type RelayLimits, type RelayOptions } from '../src/index.ts'

export const keys = {
  alice: createKeyPair({ seed: new Uint8Array(32).fill(0xa1) }),
  bob: createKeyPair({ seed: new Uint8Array(32).fill(0xb0) }),
  carol: createKeyPair({ seed: new Uint8Array(32).fill(0xca) }),
  mallory: createKeyPair({ seed: new Uint8Array(32).fill(0x66) }),
  ruth: createKeyPair({ seed: new Uint8Array(32).fill(0x22) }),
} as const

export type Name = keyof typeof keys

export const idOf = (name: Name): PeerId => keys[name].peerId

/** A node with its neighbours: real multiplexers over channels in memory. */
export interface TestNode {
  readonly keyPair: KeyPair
  readonly id: PeerId
  readonly relay: Relay
  readonly incoming: IncomingCircuit[]
  readonly neighbours: Map<PeerId, Multiplexer>
  /** Neighbours that are not connected by a direct path. */
  readonly notDirect: Set<PeerId>
  /** How it judges those who build circuits to it. */
  judge: RelayOptions['judgeIncoming']
  /** Called in the turn in which a circuit comes. */
  onIncoming: (incoming: IncomingCircuit) => void
}

export interface NodeOptions {
  readonly runtime?: Runtime
  readonly serve?: boolean
  readonly limits?: Partial<RelayLimits>
  readonly allow?: RelayOptions['allow']
}

export function createNode(
  name: Name,
  { runtime = createTestRuntime(), serve = false, limits, allow }: NodeOptions = {},
): TestNode {
  const incoming: IncomingCircuit[] = []
  const neighbours = new Map<PeerId, Multiplexer>()
  const notDirect = new Set<PeerId>()
  const relay = createRelay({
    self: idOf(name),
    runtime,
    serve,
    ...(limits ? { limits } : {}),
    ...(allow ? { allow } : {}),
    openSubstream: (peer) => neighbours.get(peer)?.openSubstream('relay'),
    isDirect: (peer) => neighbours.has(peer) && !notDirect.has(peer),
    judgeIncoming: (from, via) => node.judge(from, via),
    onCircuit: (circuit) => {
      incoming.push(circuit)
      node.onIncoming(circuit)
    },
  })
  const node: TestNode = {
    keyPair: keys[name],
    id: idOf(name),
    relay,
    incoming,
    neighbours,
    notDirect,
    judge: () => 'accept',
    onIncoming: () => {},
  }
  return node
}

export interface Link {
  readonly channels: readonly [Channel, Channel]
  readonly multiplexers: readonly [Multiplexer, Multiplexer]
}

/** Connects two nodes; `alice` of the channel options is the first. */
export function connect(
  one: TestNode,
  other: TestNode,
  channel: ChannelPairOptions = {},
  runtime: Runtime = createTestRuntime(),
): Link {
  const channels = createChannelPair(channel)
  const join = (node: TestNode, peer: PeerId, end: Channel, role: 'initiator' | 'responder') => {
    const onSubstream = (substream: Substream) => node.relay.receive(peer, substream)
    const multiplexer = createMultiplexer({ channel: end, role, runtime, onSubstream })
    node.neighbours.set(peer, multiplexer)
    void multiplexer.closed.then(() => {
      node.neighbours.delete(peer)
      node.relay.dropPeer(peer)
    })
    return multiplexer
  }
  return {
    channels,
    multiplexers: [join(one, other.id, channels[0], 'initiator'), join(other, one.id, channels[1], 'responder')],
  }
}

export interface ThreeOptions extends NodeOptions {
  /** What alice's and bob's links to ruth do to messages; ruth is `bob` of both. */
  readonly toAlice?: ChannelPairOptions
  readonly toBob?: ChannelPairOptions
}

/** alice – ruth – bob, ruth relays; no limit of rate unless told so. */
export function createThree({ toAlice, toBob, runtime = createTestRuntime(), ...options }: ThreeOptions = {}) {
  const alice = createNode('alice', { runtime })
  const bob = createNode('bob', { runtime })
  const ruth = createNode('ruth', {
    runtime,
    serve: true,
    ...options,
    limits: { bytesPerSecondMax: Number.POSITIVE_INFINITY, ...options.limits },
  })
  const links = { alice: connect(alice, ruth, toAlice, runtime), bob: connect(bob, ruth, toBob, runtime) }
  const dial = (signal?: AbortSignal) => alice.relay.dial({ relay: ruth.id, target: bob.id, ...(signal ? { signal } : {}) })
  return { alice, bob, ruth, links, runtime, dial }
}
