import { type BreakableTransport, createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { type Peer, type PeerId, Swarm, webrtc } from 'resilient-swarm'
import { type Chat, createChat } from '../src/chat.ts'
import type { Entry, Journal } from './journal.ts'

/** A node in Node that can be told whom not to reach directly. */
export interface NodePerson {
  readonly name: string
  readonly key: PeerId
  readonly swarm: Swarm
  readonly transport: BreakableTransport
  /** The connected peer with this key. */
  peer(key: string): Peer
}

export function joinNode({ name, signals, journal }: { name: string; signals: readonly string[]; journal: Journal }): NodePerson {
  const transport = createBreakableTransport(webrtc())
  // None of these relays: what goes through somebody goes through a tab.
  const swarm = new Swarm({ signals, transports: [transport], relay: { serve: false } })
  keepJournal({ name, swarm, journal })
  return {
    name,
    key: swarm.publicKey,
    swarm,
    transport,
    peer(key) {
      const peer = swarm.peers.find(({ publicKey }) => publicKey === key)
      if (!peer) throw new Error(`${name} is not connected to ${key}`)
      return peer
    },
  }
}

/** Writes down what the swarm tells. */
export function keepJournal({ name, swarm, journal }: { name: string; swarm: Swarm; journal: Journal }): void {
  const add = (entry: Omit<Entry, 'who'>) => journal.add({ who: name, ...entry })
  swarm.on('peer', (peer) => {
    const key = peer.publicKey
    add({ event: 'peer', key })
    peer.on('reconnecting', () => add({ event: 'reconnecting', key }))
    peer.on('reconnected', () => add({ event: 'reconnected', key }))
  })
  swarm.on('peer-left', (peer, reason) => add({ event: 'peer-left', key: peer.publicKey, detail: reason }))
  swarm.on('stream', (stream, peer) => add({ event: 'stream', key: peer.publicKey, detail: stream.type }))
}

/** The demo's chat on a node in Node, written down too. */
export function chatInJournal({ name, swarm, journal }: { name: string; swarm: Swarm; journal: Journal }): Chat {
  return createChat({ swarm, onLine: (key, detail) => journal.add({ who: name, event: 'line', key, detail }) })
}
