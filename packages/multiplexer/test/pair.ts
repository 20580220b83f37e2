import { type Channel, concatBytes, type Runtime, type Substream } from '@resilient-swarm/contract'
import { type ChannelPairOptions, createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createMultiplexer, type Multiplexer, type MultiplexerLimits } from '../src/index.ts'

export interface PairOptions {
  readonly channel?: ChannelPairOptions
  readonly runtime?: Runtime
  readonly flowControl?: boolean
  readonly limits?: Partial<MultiplexerLimits>
  readonly onSubstream?: (substream: Substream) => void
}

/** Two multiplexers over a channel in memory; `incoming` waits for the next substream that alice opens. */
export function createPair(options: PairOptions = {}) {
  const { runtime = createTestRuntime(), flowControl, limits } = options
  const channels = createChannelPair(options.channel)
  const arrived: Substream[] = []
  const wanted: ((substream: Substream) => void)[] = []
  const onSubstream = (substream: Substream) => {
    const next = wanted.shift()
    if (next) next(substream)
    else arrived.push(substream)
  }
  const common = { runtime, ...(flowControl === undefined ? {} : { flowControl }), ...(limits ? { limits } : {}) }
  const alice = createMultiplexer({ ...common, channel: channels[0], role: 'initiator', onSubstream: () => {} })
  const bob = createMultiplexer({
    ...common,
    channel: channels[1],
    role: 'responder',
    onSubstream: options.onSubstream ?? onSubstream,
  })
  const incoming = () =>
    new Promise<Substream>((resolve) => {
      const first = arrived.shift()
      if (first) resolve(first)
      else wanted.push(resolve)
    })
  return { alice, bob, channels, incoming, arrived }
}

/** A pair and one substream of it, both ends. */
export async function createSubstreamPair(options: PairOptions & { type?: string } = {}) {
  const pair = createPair(options)
  const outgoing = pair.alice.openSubstream(options.type ?? 'chat')
  return { ...pair, outgoing, received: await pair.incoming() }
}

/** Bob's side of a channel without a multiplexer: what mallory needs. */
export function createVictim(options: PairOptions = {}) {
  const runtime = createTestRuntime()
  const [mallory, channel] = createChannelPair(options.channel)
  const substreams: Substream[] = []
  const bob: Multiplexer = createMultiplexer({
    channel,
    role: 'responder',
    runtime,
    ...(options.flowControl === undefined ? {} : { flowControl: options.flowControl }),
    ...(options.limits ? { limits: options.limits } : {}),
    onSubstream: (substream) => {
      substreams.push(substream)
      options.onSubstream?.(substream)
    },
  })
  const sent: Uint8Array[] = []
  mallory.onMessage = (message) => sent.push(message)
  return { bob, mallory: mallory as Channel, substreams, sent, runtime }
}

export async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readable as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return concatBytes(...chunks)
}
