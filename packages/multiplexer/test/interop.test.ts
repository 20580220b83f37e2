import { afterEach, describe, expect, it } from '@jest/globals'
import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { mplex } from '@libp2p/mplex'
import { AbstractMessageStream } from '@libp2p/utils'
import { type Channel, equalBytes, type Substream, SwarmError } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createMultiplexer, type Multiplexer } from '../src/index.ts'
import { readAll } from './pair.ts'

/** What libp2p's muxer stands on, over a channel: bytes, cut wherever the channel cuts them. */
class ChannelConnection extends AbstractMessageStream {
  readonly #channel: Channel

  constructor(channel: Channel) {
    super({ log: defaultLogger().forComponent('test'), maxReadBufferLength: 64 * 1024 * 1024 })
    this.#channel = channel
    channel.onMessage = (message) => this.onData(message)
    channel.onDrain = () => void this.safeDispatchEvent('drain')
  }

  sendData(data: { subarray(): Uint8Array; byteLength: number }) {
    const bytes = data.subarray()
    let canSendMore = true
    for (let offset = 0; offset < bytes.byteLength; offset += this.#channel.maxMessageBytes) {
      canSendMore = this.#channel.send(bytes.slice(offset, offset + this.#channel.maxMessageBytes))
    }
    return { sentBytes: bytes.byteLength, canSendMore }
  }

  async close(): Promise<void> {
    this.#channel.close()
  }

  sendReset(): void {
    this.#channel.abort(new SwarmError('The muxer gave up.', { code: 'ERR_TEST' }))
  }

  sendPause(): void {}
  sendResume(): void {}
}

function open(ours: 'initiator' | 'responder') {
  const [a, b] = createChannelPair({ maxMessageBytes: 1000 })
  const incoming: Substream[] = []
  const multiplexer = createMultiplexer({
    channel: ours === 'initiator' ? a : b,
    role: ours,
    runtime: createTestRuntime(),
    flowControl: false,
    onSubstream: (substream) => {
      incoming.push(substream)
      echo(substream).catch(() => {}) // the reset one fails
    },
  })
  const connection = new ChannelConnection(ours === 'initiator' ? b : a)
  const libp2p = mplex({ disconnectThreshold: 100 })().createStreamMuxer(connection as unknown as MultiaddrConnection)
  libp2p.addEventListener('stream', (event) => void echoLibp2p((event as CustomEvent<Stream>).detail).catch(() => {}))
  return { multiplexer, libp2p, incoming }
}

/** Sends back what comes, and ends its half only after the other half has ended. */
async function echo(substream: Substream): Promise<void> {
  const bytes = await readAll(substream.readable)
  const writer = substream.writable.getWriter()
  await writer.write(bytes)
  await writer.close()
}

async function echoLibp2p(stream: Stream): Promise<void> {
  const bytes = await readLibp2p(stream)
  await sendLibp2p(stream, bytes)
  await stream.close()
}

async function sendLibp2p(stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; offset += 30_000) {
    const drained = new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true })) // its onDrain() needs Node 22
    if (!stream.send(bytes.slice(offset, offset + 30_000))) await drained
  }
}

function readLibp2p(stream: Stream): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => chunks.push(data.subarray()))
    const finish = () => resolve(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])))
    if (stream.remoteWriteStatus === 'closed') finish()
    else stream.addEventListener('remoteCloseWrite', finish)
  })
}

const payload = (length: number, first: number) => Uint8Array.from({ length }, (_, index) => (first + index * 13) & 0xff)

async function askFromOurs(multiplexer: Multiplexer, question: Uint8Array): Promise<Uint8Array> {
  const substream = multiplexer.openSubstream('chat')
  const writer = substream.writable.getWriter()
  await writer.write(question.slice())
  await writer.close()
  const answer = await readAll(substream.readable)
  expect(await substream.closed).toEqual({ kind: 'finished' })
  return answer
}

async function askFromTheirs(libp2p: StreamMuxer, question: Uint8Array): Promise<Uint8Array> {
  const stream = await libp2p.createStream()
  const answer = readLibp2p(stream)
  await sendLibp2p(stream, question)
  await stream.close()
  return answer
}

describe.each(['initiator', 'responder'] as const)('plain mplex with @libp2p/mplex, we as %s,', (ours) => {
  let multiplexer: Multiplexer | undefined
  afterEach(() => multiplexer?.close())

  it.each([1, 10])('carries %p streams that we open, both halves, equal to the byte', async (count) => {
    const pair = open(ours)
    multiplexer = pair.multiplexer
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const question = payload(100_000 + index, index)
        expect(equalBytes(await askFromOurs(pair.multiplexer, question), question)).toBe(true)
      }),
    )
    expect(pair.multiplexer.substreams).toEqual([])
  })

  it.each([1, 10])('carries %p streams that it opens, both halves, equal to the byte', async (count) => {
    const pair = open(ours)
    multiplexer = pair.multiplexer
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const question = payload(100_000 + index, index)
        expect(equalBytes(await askFromTheirs(pair.libp2p, question), question)).toBe(true)
      }),
    )
    expect(pair.incoming.map(({ type }) => type)).toEqual(Array.from({ length: count }, (_, index) => `i${index}`))
    for (const substream of pair.incoming) expect(await substream.closed).toEqual({ kind: 'finished' })
  })

  it('understands a reset both ways', async () => {
    const pair = open(ours)
    multiplexer = pair.multiplexer
    const theirs = await pair.libp2p.createStream()
    theirs.send(Uint8Array.of(1))
    await new Promise((resolve) => setImmediate(resolve))
    theirs.abort(new Error('enough'))
    expect(await pair.incoming[0]?.closed).toEqual({ kind: 'reset', by: 'peer', code: 0 })
    const opened = new Promise<Stream>((resolve) =>
      pair.libp2p.addEventListener('stream', (event) => resolve((event as CustomEvent<Stream>).detail)),
    )
    const substream = pair.multiplexer.openSubstream('chat')
    const stream = await opened
    const ended = new Promise((resolve) => stream.addEventListener('close', resolve))
    substream.reset()
    await ended
    expect(stream.status).toBe('reset')
  })
})
