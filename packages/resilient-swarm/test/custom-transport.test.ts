import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import {
  type Closable,
  concatBytes,
  createRuntime,
  encodeHex,
  equalBytes,
  type Path,
  type PeerId,
  type Runtime,
  type SignalLine,
  SwarmError,
} from '@resilient-swarm/contract'
import { createTestRuntime, describeChannelConformance } from '@resilient-swarm/testkit'
import { webrtc } from '@resilient-swarm/webrtc'
import { WebSocket, WebSocketServer } from 'ws'
import {
  BUFFERED_BYTES_HIGH,
  BUFFERED_BYTES_MAX,
  CLOSE_TIMEOUT_MS,
  CODES,
  MESSAGE_BYTES_MAX,
  UNHEARD_BYTES_MAX,
  WsChannel,
} from './custom-transport/ws-channel.ts'
import { GREETING_TIMEOUT_MS, GREETINGS_PENDING_MAX, NONCE_BYTES, wsTransport } from './custom-transport/ws-transport.ts'
import { connected, createNodes } from './nodes.ts'

const BOB = 'rs1bob' as PeerId
const never = new AbortController().signal
const signals: SignalLine = { attempt: '', send: () => Promise.reject(new Error('a WebSocket needs no signals')), onSignal() {} }
const nonce = new Uint8Array(NONCE_BYTES).fill(7)

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function startServer(): Promise<{ server: Server; url: string }> {
  const server = createServer((_request, response) => response.writeHead(426).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Bob listens; `next` gives the paths that he accepts, in order. */
async function listen(runtime: Runtime = createRuntime()) {
  const { server, url } = await startServer()
  const waiting: Path[] = []
  let wake: () => void = () => {}
  const listening: Closable = wsTransport({ server }).listen({
    runtime,
    onAttempt() {},
    accept(path) {
      ends.push(() => path.channel.abort(new SwarmError('The test is over.', { code: 'ERR_TEST_OVER' })))
      waiting.push(path)
      wake()
    },
  })
  ends.push(() => listening.close())
  return {
    url,
    listening,
    accepted: waiting as readonly Path[],
    async next(): Promise<Path> {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return waiting.shift() as Path
    },
  }
}

function dial(
  url: string | undefined,
  { runtime = createRuntime(), signal = never }: { runtime?: Runtime; signal?: AbortSignal } = {},
) {
  return wsTransport({ urlOf: () => url }).dial(BOB, { runtime, signals, signal })
}

async function connectPaths(runtime?: Runtime): Promise<{ alice: Path; bob: Path }> {
  const listening = await listen(runtime)
  const [alice, bob] = await Promise.all([dial(listening.url, runtime ? { runtime } : {}), listening.next()])
  return { alice, bob }
}

/** A bare WebSocket to bob, in mallory's hands. */
async function openBare(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  socket.on('error', () => {})
  ends.push(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

/** A path at bob whose other end is a bare WebSocket. */
async function connectBare(runtime?: Runtime): Promise<{ mallory: WebSocket; bob: Path }> {
  const listening = await listen(runtime)
  const mallory = await openBare(listening.url)
  mallory.send(nonce)
  return { mallory, bob: await listening.next() }
}

/** A channel whose WebSocket writes nothing until it is told to. */
function stuckChannel() {
  let written: (() => void)[] = []
  const socket = Object.assign(new EventEmitter(), {
    readyState: WebSocket.OPEN as number,
    bufferedAmount: 0,
    send(message: Uint8Array, done: () => void) {
      socket.bufferedAmount += message.byteLength
      written.push(done)
    },
    close: jest.fn((_code: number, _reason: string) => {
      socket.readyState = WebSocket.CLOSING
    }),
    terminate: jest.fn(() => {
      socket.readyState = WebSocket.CLOSING
    }),
    bring(byte: number) {
      socket.emit('message', Uint8Array.of(byte).buffer, true)
    },
    writeAll(restBytes: number) {
      socket.bufferedAmount = restBytes
      const done = restBytes === 0 ? written.splice(0) : written.slice(0, -1)
      written = written.slice(restBytes === 0 ? 0 : -1)
      for (const tell of done) tell()
    },
  })
  const { clock } = createTestRuntime()
  const channel = new WsChannel({ socket: socket as unknown as WebSocket, clock })
  return { socket, channel, clock }
}

for (const [name, swap] of [
  ['a path over a WebSocket, seen from who dialled,', false],
  ['a path over a WebSocket, seen from who was dialled,', true],
] as const) {
  describeChannelConformance(name, {
    async create() {
      const { alice, bob } = await connectPaths()
      return swap ? { alice: bob.channel, bob: alice.channel } : { alice: alice.channel, bob: bob.channel }
    },
  })
}

describe('a transport over WebSockets', () => {
  it('gives both ends of one connection the same binding, and two connections two', async () => {
    const listening = await listen()
    const [one, other] = [await dial(listening.url), await dial(listening.url)]
    const [atBob, otherAtBob] = [await listening.next(), await listening.next()]
    expect(one.kind).toBe('ws')
    expect(atBob.kind).toBe('ws')
    expect(one.binding).toHaveLength(2 * NONCE_BYTES)
    expect(encodeHex(one.binding)).toBe(encodeHex(atBob.binding))
    expect(encodeHex(other.binding)).toBe(encodeHex(otherAtBob.binding))
    expect(encodeHex(one.binding)).not.toBe(encodeHex(other.binding))
    for (const path of [one, other]) path.channel.close()
  })

  it('takes half of the binding from each end, the half of who dialled first', async () => {
    const { bob } = await connectBare()
    expect(encodeHex(bob.binding).slice(0, 2 * NONCE_BYTES)).toBe(encodeHex(nonce))
    expect(encodeHex(bob.binding).slice(2 * NONCE_BYTES)).not.toBe(encodeHex(nonce))
  })

  it('says at once that it knows no URL', async () => {
    await expect(dial(undefined)).rejects.toMatchObject({ code: 'ERR_WS_NO_URL', retryable: false })
  })

  it('fails where nobody listens', async () => {
    const { server, url } = await startServer()
    server.close()
    await expect(dial(url)).rejects.toMatchObject({ code: 'ERR_WS_LOST', retryable: true })
  })

  it('fails at once where the peer closes before it greets', async () => {
    const closing = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    closing.on('connection', (socket) => socket.close())
    await once(closing, 'listening')
    ends.push(() => closing.close())
    const url = `ws://127.0.0.1:${(closing.address() as AddressInfo).port}`
    const runtime = createTestRuntime() // whose time does not pass
    await expect(dial(url, { runtime })).rejects.toMatchObject({ code: 'ERR_WS_LOST' })
    expect(runtime.clock.pending).toBe(0)
  })

  it('ends a dial whose signal fires, before it began and while it greets', async () => {
    const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(silent, 'listening')
    ends.push(() => silent.close())
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`
    await expect(dial(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const abort = new AbortController()
    const closed = once(silent, 'connection').then(([socket]) => {
      abort.abort()
      return once(socket, 'close')
    })
    await expect(dial(url, { signal: abort.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await closed
  })

  it('gives a peer that does not greet its time, and no more', async () => {
    const runtime = createTestRuntime()
    const listening = await listen(runtime)
    const mallory = await openBare(listening.url)
    const closed = once(mallory, 'close')
    await runtime.clock.advance(GREETING_TIMEOUT_MS - 1)
    expect(mallory.readyState).toBe(WebSocket.OPEN)
    await runtime.clock.advance(1)
    expect((await closed)[0]).toBe(1006)
    expect(listening.accepted).toHaveLength(0)
  })

  it.each([
    ['a byte too few', new Uint8Array(NONCE_BYTES - 1)],
    ['a byte too many', new Uint8Array(NONCE_BYTES + 1)],
    ['a text', 'x'.repeat(NONCE_BYTES)],
  ])('takes no greeting of %s', async (_, greeting) => {
    const listening = await listen()
    const mallory = await openBare(listening.url)
    mallory.send(greeting)
    expect((await once(mallory, 'close'))[0]).toBe(1006)
    expect(listening.accepted).toHaveLength(0)
  })

  it('lets in as many silent strangers as it may, and another when one has gone', async () => {
    const listening = await listen()
    const strangers = await Promise.all(Array.from({ length: GREETINGS_PENDING_MAX }, () => openBare(listening.url)))
    await expect(openBare(listening.url)).rejects.toThrow('socket hang up')
    strangers[0]?.send(nonce)
    await listening.next()
    const late = await openBare(listening.url)
    expect(late.readyState).toBe(WebSocket.OPEN)
  })

  it('lets nobody in once it is closed, ends who still greets, and leaves the paths that stand', async () => {
    const listening = await listen()
    const alice = await dial(listening.url)
    const bob = await listening.next()
    const greeting = await openBare(listening.url)
    const ended = once(greeting, 'close')
    await listening.listening.close()
    await ended
    await expect(openBare(listening.url)).rejects.toThrow('Unexpected server response: 426')
    const heard = new Promise<Uint8Array>((resolve) => (bob.channel.onMessage = resolve))
    alice.channel.send(Uint8Array.of(1))
    expect([...(await heard)]).toEqual([1])
  })
})

describe('a WebSocket as a channel', () => {
  it('tells the code of an ordinary end', async () => {
    const { alice, bob } = await connectPaths()
    alice.channel.close({ by: 'us', code: 65_535 })
    expect(await bob.channel.closed).toEqual({ by: 'peer', code: 65_535 })
    expect(await alice.channel.closed).toEqual({ by: 'us', code: 65_535 })
  })

  it.each([
    ['no close frame', (mallory: WebSocket) => mallory.terminate()],
    ['a close code of its own', (mallory: WebSocket) => mallory.close(1001, '0')],
    ['no number', (mallory: WebSocket) => mallory.close(1000, '')],
    ['a number that is too long', (mallory: WebSocket) => mallory.close(1000, '100000')],
    ['a negative number', (mallory: WebSocket) => mallory.close(1000, '-1')],
  ])('takes an end with %s for a loss', async (_, end) => {
    const { mallory, bob } = await connectBare()
    end(mallory)
    expect(await bob.channel.closed).toMatchObject({ by: 'peer', code: CODES.lost, error: { code: 'ERR_WS_LOST' } })
  })

  it('ends on a text and on a message over its maximum, and takes one at it', async () => {
    const { mallory, bob } = await connectBare()
    const heard = new Promise<Uint8Array>((resolve) => (bob.channel.onMessage = resolve))
    mallory.send(new Uint8Array(MESSAGE_BYTES_MAX))
    expect(await heard).toHaveLength(MESSAGE_BYTES_MAX)
    mallory.send(new Uint8Array(MESSAGE_BYTES_MAX + 1))
    expect(await bob.channel.closed).toMatchObject({ code: CODES.lost })
    const other = await connectBare()
    other.mallory.send('text')
    expect(await other.bob.channel.closed).toMatchObject({ by: 'us', code: CODES.protocol })
  })

  it('keeps what comes before anybody listens up to its maximum, through the end of the peer', async () => {
    const { alice, bob } = await connectPaths()
    for (let bytes = 0; bytes < UNHEARD_BYTES_MAX; bytes += MESSAGE_BYTES_MAX)
      alice.channel.send(new Uint8Array(MESSAGE_BYTES_MAX))
    alice.channel.close()
    await alice.channel.closed
    let heardBytes = 0
    bob.channel.onMessage = (message) => {
      heardBytes += message.byteLength
    }
    expect(await bob.channel.closed).toEqual({ by: 'peer', code: 0 })
    expect(heardBytes).toBe(UNHEARD_BYTES_MAX)
  })

  it('ends when more comes before anybody listens', async () => {
    const { mallory, bob } = await connectBare()
    for (let bytes = 0; bytes < UNHEARD_BYTES_MAX; bytes += MESSAGE_BYTES_MAX) mallory.send(new Uint8Array(MESSAGE_BYTES_MAX))
    mallory.send(Uint8Array.of(1))
    expect(await bob.channel.closed).toMatchObject({ by: 'us', code: CODES.overflow })
    let late = 0
    bob.channel.onMessage = () => late++
    expect(late).toBe(0)
  })

  it.each(['close', 'abort'] as const)('ends by %s although nobody ever listened to what the peer had sent', async (end) => {
    const { alice, bob } = await connectPaths()
    alice.channel.send(Uint8Array.of(1))
    alice.channel.close()
    await alice.channel.closed
    const error = new SwarmError('Enough.', { code: 'ERR_ENOUGH' })
    if (end === 'close') bob.channel.close()
    else bob.channel.abort(error)
    expect(await bob.channel.closed).toEqual(end === 'close' ? { by: 'peer', code: 0 } : { by: 'us', code: CODES.lost, error })
    let late = 0
    bob.channel.onMessage = () => late++
    expect(late).toBe(0)
  })

  it('says wait at its high mark, go on when all is written, and ends a sender that never waits', async () => {
    const { channel, socket } = stuckChannel()
    const fill = (bytesMax: number) => {
      while (socket.bufferedAmount < bytesMax - MESSAGE_BYTES_MAX) channel.send(new Uint8Array(MESSAGE_BYTES_MAX))
      return channel.send(new Uint8Array(bytesMax - socket.bufferedAmount))
    }
    let drains = 0
    channel.onDrain = () => drains++
    expect(fill(BUFFERED_BYTES_HIGH - 1)).toBe(true)
    expect(fill(BUFFERED_BYTES_HIGH)).toBe(false)
    socket.writeAll(1)
    expect(drains).toBe(0)
    socket.writeAll(0)
    expect(drains).toBe(1)
    expect(fill(BUFFERED_BYTES_MAX)).toBe(false)
    expect(socket.terminate).not.toHaveBeenCalled()
    expect(channel.send(Uint8Array.of(1))).toBe(false)
    expect(await channel.closed).toMatchObject({ by: 'us', code: CODES.overflow })
    expect(socket.terminate).toHaveBeenCalled()
    socket.writeAll(0)
    expect(drains).toBe(1)
  })

  it('delivers nothing after an abort, be it on its way or waiting already', () => {
    const { channel, socket } = stuckChannel()
    const heard: number[] = []
    for (const byte of [1, 2]) socket.bring(byte)
    channel.onMessage = ([byte = 0]) => {
      heard.push(byte)
      channel.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    }
    socket.bring(3)
    expect(heard).toEqual([1])
  })

  it('ends when the peer has answered its close, although nobody listened to what came before, and leaves no timer', async () => {
    const { channel, socket, clock } = stuckChannel()
    socket.bring(1)
    channel.close()
    expect(socket.close).toHaveBeenCalledWith(1000, '0')
    expect(clock.pending).toBe(1)
    socket.emit('close', 1000, Buffer.from('0'))
    expect(await channel.closed).toEqual({ by: 'us', code: 0 })
    expect(clock.pending).toBe(0)
    channel.abort(new SwarmError('Too late.', { code: 'ERR_LATE' }))
    expect(socket.terminate).not.toHaveBeenCalled()
  })

  it('gives the peer its time to answer a close, and no more', async () => {
    const runtime = createTestRuntime()
    const { mallory, bob } = await connectBare(runtime)
    mallory.pause()
    bob.channel.close()
    let isClosed = false
    void bob.channel.closed.then(() => {
      isClosed = true
    })
    await runtime.clock.advance(CLOSE_TIMEOUT_MS - 1)
    expect(isClosed).toBe(false)
    await runtime.clock.advance(1)
    expect(await bob.channel.closed).toMatchObject({ by: 'us', code: CODES.lost, error: { code: 'ERR_WS_LOST' } })
  })
})

describe('two swarms with no signal server', () => {
  const nodes = createNodes()
  afterEach(() => nodes.end())

  it('meet over the transport, and their streams go over it', async () => {
    const { server, url } = await startServer()
    const bob = nodes.join({ signals: [], transports: [wsTransport({ server }), webrtc()] })
    const urlOf = (peer: PeerId) => (peer === bob.publicKey ? url : undefined)
    const alice = nodes.join({ signals: [], transports: [wsTransport({ urlOf }), webrtc()] })
    bob.on('stream', (stream) => void stream.readable.pipeTo(stream.writable))
    const [atAlice, atBob] = await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    expect(atAlice.path.kind).toBe('ws')
    expect(atBob.path.kind).toBe('ws')
    const stream = await atAlice.openStream('echo')
    const writer = stream.writable.getWriter()
    const sent = new Uint8Array(1024 * 1024).map((_, index) => index % 251)
    const writing = writer.write(sent).then(() => writer.close())
    const received: Uint8Array[] = []
    for await (const bytes of stream.readable) received.push(bytes)
    await writing
    expect(equalBytes(concatBytes(...received), sent)).toBe(true)
  })

  it('who is reached at the URL of somebody else is nobody', async () => {
    const { server, url } = await startServer()
    const mallory = nodes.join({ signals: [], transports: [wsTransport({ server })] })
    const bob = nodes.join({ signals: [], transports: [] })
    const alice = nodes.join({ signals: [], transports: [wsTransport({ urlOf: () => url })] })
    let met = 0
    for (const swarm of [alice, mallory]) swarm.on('peer', () => met++)
    await expect(alice.call(bob.publicKey, { signal: AbortSignal.timeout(1_000) })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(alice.why(bob.publicKey).some(({ text }) => text.includes(mallory.publicKey))).toBe(true)
    expect(met).toBe(0)
  })
})

describe('docs/custom-transport.md', () => {
  const page = readFileSync(new URL('../../../docs/custom-transport.md', import.meta.url), 'utf8')

  it('shows the very files that are tested here, in order', () => {
    const shown = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1])
    const files = ['ws-channel.ts', 'ws-transport.ts', 'example.ts']
    expect(shown).toEqual(files.map((file) => readFileSync(new URL(`custom-transport/${file}`, import.meta.url), 'utf8')))
  })

  it('explains every error code', () => {
    const codes = new Set(page.match(/\bERR_WS_[A-Z_]+/g))
    expect(codes.size).toBeGreaterThan(0)
    expect([...page.matchAll(/^\| `(ERR_WS_\w+)` \|/gm)].map(([, code]) => code).sort()).toEqual([...codes].sort())
  })

  it('has an example that runs', async () => {
    const { kind, answer } = await import('./custom-transport/example.ts')
    expect(kind).toBe('ws')
    expect(answer).toBe(42)
  })
})
