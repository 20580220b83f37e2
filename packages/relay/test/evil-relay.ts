import type { Channel, PeerId, Substream } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { createMultiplexer, type Multiplexer } from '@resilient-swarm/multiplexer'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { FrameScanner } from '../src/frame-scanner.ts'
import { Leg } from '../src/leg.ts'
import { type ControlFrame, encodeControl, encodeMessageHeader } from '../src/messages.ts'
import { idOf, type Name, type TestNode } from './three-nodes.ts'

const runtime = createTestRuntime()
const limits = { bytesPerSecond: Number.POSITIVE_INFINITY, burstBytes: 1, durationMs: 600_000 }

export type Side = 'dialler' | 'target'

/** Sees each message on its way, and says which ones go on instead. */
export type Tamper = (message: Uint8Array, from: Side) => readonly Uint8Array[]

export interface Dialled {
  readonly from: PeerId
  readonly to: PublicKey
  readonly circuitId: Uint8Array
  readonly leg: Leg
}

/** Mallory's node: it speaks the protocol of a relay as it pleases. */
export function createEvilRelay(name: Name, onDialled: (dialled: Dialled) => void) {
  const evil = { onIncoming: (_leg: Leg): void => {} }
  const multiplexers = new Map<PeerId, Multiplexer>()
  const attach = (peer: PeerId, channel: Channel) => {
    const onSubstream = (substream: Substream) => {
      const leg = new Leg({ peer, substream, clock: runtime.clock })
      leg.readFirst((frame) => {
        if (frame?.type === 'connect') onDialled({ from: peer, to: frame.to, circuitId: frame.circuitId, leg })
        if (frame?.type === 'incoming') evil.onIncoming(leg)
      })
    }
    multiplexers.set(peer, createMultiplexer({ channel, role: 'responder', runtime, onSubstream }))
  }
  return Object.assign(evil, {
    id: idOf(name),
    connect(node: TestNode) {
      const [theirs, ours] = createChannelPair()
      const onSubstream = (substream: Substream) => node.relay.receive(idOf(name), substream)
      node.neighbours.set(idOf(name), createMultiplexer({ channel: theirs, role: 'initiator', runtime, onSubstream }))
      attach(node.id, ours)
    },
    /** Builds the second leg; resolves when the target took it. */
    bring(to: PeerId, from: PublicKey, circuitId: Uint8Array): Promise<Leg> {
      const substream = multiplexers.get(to)?.openSubstream('relay') as Substream
      const leg = new Leg({ peer: to, substream, clock: runtime.clock })
      return new Promise((resolve, reject) => {
        leg.readFirst((frame) => (frame?.type === 'accept' ? resolve(leg) : reject(new Error('the target refused'))))
        leg.send({ type: 'incoming', from, circuitId, limits })
      })
    },
    accept(leg: Leg) {
      leg.send({ type: 'accept', limits })
    },
  })
}

/** Copies the frames of one leg to the other, messages as `tamper` says. */
export function pump({ from, to, side, tamper }: { from: Leg; to: Leg; side: Side; tamper: Tamper }): void {
  const scanner = new FrameScanner()
  let pieces: number[] = []
  const done = () => {
    if (scanner.restBytes > 0) return
    for (const message of tamper(Uint8Array.from(pieces), side)) {
      to.raw.write(encodeMessageHeader(message.byteLength))
      if (message.byteLength > 0) to.raw.write(message)
    }
    pieces = []
  }
  from.raw.onBytes = (bytes) => {
    for (let offset = 0; offset < bytes.byteLength; ) {
      const before = offset
      offset = scanner.step(bytes, offset)
      if (scanner.event === 'control') to.raw.write(encodeControl(scanner.control as ControlFrame))
      if (scanner.event === 'payload') pieces.push(...bytes.subarray(before, offset))
      if (scanner.event === 'payload' || scanner.event === 'header') done()
    }
    from.raw.consume(bytes.byteLength)
  }
  from.raw.onEnd = () => to.raw.end()
  from.onClosed = () => to.reset()
}

/** A leg as a channel of messages, for mallory who plays an end herself. */
export function channelOver(leg: Leg): Channel {
  const scanner = new FrameScanner()
  let pieces: number[] = []
  const channel: Channel = {
    maxMessageBytes: 16 * 1024,
    onMessage: () => {},
    onDrain: () => {},
    send: (message) => {
      leg.raw.write(encodeMessageHeader(message.byteLength))
      return message.byteLength === 0 || leg.raw.write(message)
    },
    close: () => leg.reset(),
    abort: () => leg.reset(),
    closed: new Promise((resolve) => {
      leg.onClosed = () => resolve({ by: 'peer', code: 0 })
    }),
  }
  leg.raw.onBytes = (bytes) => {
    for (let offset = 0; offset < bytes.byteLength; ) {
      const before = offset
      offset = scanner.step(bytes, offset)
      if (scanner.event === 'payload') pieces.push(...bytes.subarray(before, offset))
      if (scanner.event !== 'payload' || scanner.restBytes > 0) continue
      const message = Uint8Array.from(pieces)
      pieces = []
      channel.onMessage(message)
    }
    leg.raw.consume(bytes.byteLength)
  }
  return channel
}
