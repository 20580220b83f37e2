import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createTestRuntime, describeChannelConformance } from '@resilient-swarm/testkit'
import { WebSocket } from 'ws'
import {
  BUFFERED_BYTES_HIGH,
  BUFFERED_BYTES_MAX,
  CLOSE_TIMEOUT_MS,
  CODES,
  MESSAGE_BYTES_MAX,
  UNHEARD_BYTES_MAX,
  WsChannel,
} from './ws-channel.ts'
import { connectBare, connectPaths, endAll } from './ws-pair.ts'

afterEach(endAll)

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
