// People for tests of paths: real nodes over real WebRTC that a test can take away between two of them.
import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import type { Substream } from '@resilient-swarm/contract'
import { type BreakableTransport, createBreakableTransport } from '@resilient-swarm/testkit/breakable-transport'
import { type Peer, type PeerEvents, type Swarm, type SwarmOptions, webrtc } from '../src/index.ts'
import { connected, createNodes, next } from './nodes.ts'

/** Of one test file; it ends them after each test. */
export const nodes = createNodes()

export interface Person {
  readonly swarm: Swarm
  readonly transport: BreakableTransport
}

export const MIB = 1024 * 1024
export const FAST = { bytesPerSecondMax: Number.POSITIVE_INFINITY }

export async function people(count: number, options: SwarmOptions = {}): Promise<Person[]> {
  const server = await nodes.serve()
  return Array.from({ length: count }, () => {
    const transport = createBreakableTransport(webrtc())
    return { transport, swarm: nodes.join({ signals: [server.url], transports: [transport], relay: FAST, ...options }) }
  })
}

/** Neither side's dials to the other come through. */
export function part(one: Person, other: Person): void {
  one.transport.forbid(other.swarm.publicKey)
  other.transport.forbid(one.swarm.publicKey)
}

export function unite(one: Person, other: Person): void {
  one.transport.allow(other.swarm.publicKey)
  other.transport.allow(one.swarm.publicKey)
}

export async function meet(one: Person, other: Person): Promise<Peer> {
  const [peer] = await Promise.all([one.swarm.call(other.swarm.publicKey), connected(other.swarm, one.swarm)])
  return peer
}

/**
 * Alice and bob who cannot reach each other, and ruth (rose, …) whom both reach. `prepare` is called when the others are connected to
 * both, and before alice and bob meet.
 */
export async function partedByTheNetwork<Prepared = undefined>(
  relays = 1,
  prepare: (others: readonly Person[], ends: { readonly alice: Person; readonly bob: Person }) => Prepared = () =>
    undefined as Prepared,
  options: SwarmOptions = {},
) {
  const [alice, bob, ...others] = (await people(2 + relays, options)) as [Person, Person, ...Person[]]
  part(alice, bob)
  for (const other of others) await Promise.all([meet(alice, other), meet(bob, other)])
  const prepared = prepare(others, { alice, bob })
  return { alice, bob, others, relays: prepared, peer: await meet(alice, bob) }
}

export function happens<Name extends keyof PeerEvents>(
  peer: Peer,
  event: Name,
  test: (...facts: PeerEvents[Name]) => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    const listen = (...facts: PeerEvents[Name]) => {
      if (!test(...facts)) return
      peer.off(event, listen)
      resolve()
    }
    peer.on(event, listen)
  })
}

/** A transfer under way: bytes in a pattern, hashed at both ends. `at` resolves when so many have arrived. */
export async function transfer(from: Peer, to: Swarm, totalBytes: number) {
  const arrival = next(to, 'stream')
  const stream = await from.openStream('file')
  const sent = createHash('sha256')
  const received = createHash('sha256')
  const marks: { bytes: number; reach(): void }[] = []
  let receivedBytes = 0
  const send = async () => {
    const writer = stream.writable.getWriter()
    for (let index = 0; index < totalBytes / 16_384; index++) {
      const chunk = new Uint8Array(16_384).fill(index)
      sent.update(chunk)
      await writer.write(chunk)
    }
    await writer.close()
  }
  const receive = async ([incoming]: [Substream, ...unknown[]]) => {
    for await (const chunk of incoming.readable) {
      received.update(chunk)
      receivedBytes += chunk.byteLength
      for (const { bytes, reach } of marks) if (receivedBytes >= bytes) reach()
    }
  }
  const done = Promise.all([send(), arrival.then(receive)])
  return {
    at: (bytes: number) => new Promise<void>((reach) => marks.push({ bytes, reach })),
    async finish() {
      await done
      expect(receivedBytes).toBe(totalBytes)
      expect(received.digest('hex')).toBe(sent.digest('hex'))
    },
  }
}
