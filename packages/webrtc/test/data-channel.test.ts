import { describe, expect, it } from '@jest/globals'
import { SwarmError } from '@resilient-swarm/contract'
import { createTestRuntime, settle, type TestRuntime } from '@resilient-swarm/testkit'
import { createDataChannel, type DataChannel } from '../src/data-channel.ts'
import {
  BUFFERED_BYTES_HIGH,
  BUFFERED_BYTES_MAX,
  CLOSE_TIMEOUT_MS,
  HEARTBEAT_MS,
  LINGER_MS,
  MESSAGE_BYTES_MAX,
  RELEASE_TIMEOUT_MS,
  SILENT_BEATS_MAX,
  UNHEARD_BYTES_MAX,
} from '../src/limits.ts'
import { FakeRtcChannel, FakeRtcConnection } from './fake-rtc.ts'

interface Stage {
  readonly channel: DataChannel
  readonly rtc: FakeRtcChannel
  readonly connection: FakeRtcConnection
  readonly runtime: TestRuntime
  /** How often the connection was released. */
  readonly released: () => number
}

function stage({ tellsDrain = true }: { tellsDrain?: boolean } = {}): Stage {
  const rtc = new FakeRtcChannel()
  if (!tellsDrain) rtc.bufferedAmountLowThreshold = undefined
  const connection = new FakeRtcConnection()
  const runtime = createTestRuntime()
  let released = 0
  const channel = createDataChannel({
    rtc: rtc as unknown as RTCDataChannel,
    connection: connection as unknown as RTCPeerConnection,
    runtime,
    release: () => released++,
  })
  return { channel, rtc, connection, runtime, released: () => released }
}

describe('back pressure', () => {
  it('says false from 64 KiB on and drains when the buffer ran empty, not before', () => {
    const { channel, rtc } = stage()
    let drains = 0
    channel.onDrain = () => drains++
    const quarter = BUFFERED_BYTES_HIGH / 4
    for (let index = 0; index < 3; index++) expect(channel.send(new Uint8Array(quarter))).toBe(true)
    expect(channel.send(new Uint8Array(quarter - 1))).toBe(true)
    expect(channel.send(new Uint8Array(1))).toBe(false)
    rtc.bufferedAmount = 1
    rtc.onbufferedamountlow?.()
    expect(drains).toBe(0)
    rtc.drain()
    expect(drains).toBe(1)
    expect(channel.send(new Uint8Array(1))).toBe(true)
  })

  it('asks to be told of an empty buffer only while somebody waits for that', () => {
    const { channel, rtc } = stage()
    for (let index = 0; index < 3; index++) channel.send(new Uint8Array(BUFFERED_BYTES_HIGH / 4))
    expect(rtc.onbufferedamountlow).toBeNull()
    channel.send(new Uint8Array(BUFFERED_BYTES_HIGH / 4))
    expect(rtc.onbufferedamountlow).not.toBeNull()
    rtc.drain()
    expect(rtc.onbufferedamountlow).toBeNull()
  })

  it('goes on without waiting while the buffer empties as fast as it fills', () => {
    const { channel, rtc } = stage()
    for (let index = 0; index < 64; index++) {
      expect(channel.send(new Uint8Array(MESSAGE_BYTES_MAX))).toBe(true)
      rtc.bufferedAmount = 0
    }
  })

  it('looks at the buffer by itself where the implementation does not tell', async () => {
    const { channel, rtc, runtime } = stage({ tellsDrain: false })
    let drains = 0
    channel.onDrain = () => drains++
    for (let index = 0; index < 4; index++) channel.send(new Uint8Array(MESSAGE_BYTES_MAX))
    await runtime.clock.advance(10)
    expect(drains).toBe(0)
    rtc.bufferedAmount = 0
    await runtime.clock.advance(1)
    expect(drains).toBe(1)
  })

  it('ends the channel of a sender who does not wait, before an implementation loses bytes', async () => {
    const { channel, rtc } = stage()
    while (rtc.bufferedAmount < BUFFERED_BYTES_MAX) channel.send(new Uint8Array(MESSAGE_BYTES_MAX))
    expect(channel.send(new Uint8Array(0))).toBe(false)
    expect(rtc.readyState).toBe('open')
    channel.send(new Uint8Array(1))
    expect((await channel.closed).error?.code).toBe('ERR_WEBRTC_OVERFLOW')
  })
})

describe('an end', () => {
  it('waits until the peer says that it has everything', async () => {
    const { channel, rtc, runtime, released } = stage()
    channel.send(new Uint8Array(5))
    channel.close()
    channel.close({ by: 'us', code: 7 })
    expect(channel.send(new Uint8Array(1))).toBe(false)
    expect(rtc.takeSent()).toEqual([5, 'close 0'])
    rtc.receive('closed')
    expect(await channel.closed).toEqual({ by: 'us', code: 0 })
    expect(released()).toBe(1)
    expect(runtime.clock.pending).toBe(0)
  })

  it('is an error when the peer never says so, and is patient while bytes still go out', async () => {
    const { channel, rtc, runtime } = stage()
    channel.send(new Uint8Array(10))
    channel.close()
    rtc.receive('pong')
    await runtime.clock.advance(CLOSE_TIMEOUT_MS - 1)
    rtc.drain(5)
    await runtime.clock.advance(CLOSE_TIMEOUT_MS - 1)
    expect(rtc.readyState).toBe('open')
    await runtime.clock.advance(HEARTBEAT_MS)
    expect((await channel.closed).error?.code).toMatch(/ERR_WEBRTC_(TIMEOUT|LOST)/)
  })

  it('carries the code of the layer above to the peer', async () => {
    const { channel, rtc } = stage()
    channel.onMessage = () => {}
    rtc.receive('close 4321')
    expect(rtc.takeSent()).toEqual(['closed'])
    expect(await channel.closed).toEqual({ by: 'peer', code: 4321 })
  })

  it('keeps the connection a moment after confirming, or until the peer ends it', async () => {
    for (const peerEnds of [true, false]) {
      const { channel, rtc, runtime, released } = stage()
      rtc.receive('close 0')
      await channel.closed
      expect(released()).toBe(0)
      if (peerEnds) rtc.close()
      else await runtime.clock.advance(LINGER_MS)
      expect(released()).toBe(1)
      expect(runtime.clock.pending).toBe(0)
    }
  })

  it('of both sides at once is ordinary on both', async () => {
    const { channel, rtc } = stage()
    channel.close()
    rtc.receive('close 0')
    expect(rtc.takeSent()).toEqual(['close 0', 'closed'])
    rtc.close()
    expect(await channel.closed).toEqual({ by: 'us', code: 0 })
  })

  it('waits for somebody to listen where messages wait, and is an error where nobody ever does', async () => {
    for (const listens of [true, false]) {
      const { channel, rtc } = stage()
      rtc.receive(3)
      rtc.receive('close 0')
      expect(rtc.takeSent()).toEqual([])
      const heard: number[] = []
      if (listens) channel.onMessage = (message) => heard.push(message.byteLength)
      rtc.close()
      const { error } = await channel.closed
      expect(heard).toEqual(listens ? [3] : [])
      expect(error?.code).toBe(listens ? undefined : 'ERR_WEBRTC_LOST')
    }
  })

  it('that nobody announced is a loss: of the channel, or of its connection', async () => {
    for (const end of [
      ({ rtc }: Stage) => rtc.close(),
      ({ rtc }: Stage) => rtc.onerror?.(),
      ({ connection }: Stage) => connection.become('failed'),
      ({ connection }: Stage) => connection.become('closed'),
      ({ channel, rtc }: Stage) => {
        rtc.readyState = 'closed'
        channel.send(new Uint8Array(1))
      },
    ]) {
      const set = stage()
      end(set)
      expect(await set.channel.closed).toMatchObject({ by: 'peer', code: 1, error: { code: 'ERR_WEBRTC_LOST', retryable: true } })
      expect(set.released()).toBe(1)
      expect(set.runtime.clock.pending).toBe(0)
    }
  })

  it('does not come from a connection that may yet recover', async () => {
    const { channel, connection, rtc } = stage()
    connection.become('disconnected')
    await settle()
    channel.send(new Uint8Array(1))
    expect(rtc.takeSent()).toEqual([1])
  })

  it('releases a connection whose channel never gets closed', async () => {
    const { channel, rtc, runtime, released } = stage()
    rtc.close = () => {}
    channel.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    expect(released()).toBe(0)
    await runtime.clock.advance(RELEASE_TIMEOUT_MS)
    expect(released()).toBe(1)
  })
})

describe('a silent peer', () => {
  it('is asked, and gone after three unanswered beats', async () => {
    const { channel, rtc, runtime } = stage()
    rtc.receive(1)
    await runtime.clock.advance(HEARTBEAT_MS)
    expect(rtc.takeSent()).toEqual([])
    for (let beat = 0; beat < SILENT_BEATS_MAX; beat++) {
      await runtime.clock.advance(HEARTBEAT_MS)
      expect(rtc.takeSent()).toEqual(['ping'])
      rtc.bufferedAmount = 0
    }
    await runtime.clock.advance(HEARTBEAT_MS)
    expect((await channel.closed).error?.code).toBe('ERR_WEBRTC_LOST')
  })

  it('is alive while it answers, and while it takes what we send', async () => {
    const { rtc, runtime, channel } = stage()
    for (let round = 0; round < 10; round++) {
      await runtime.clock.advance(HEARTBEAT_MS * 2)
      rtc.bufferedAmount = 0
      rtc.receive('pong')
    }
    rtc.bufferedAmount = 1000
    for (let round = 0; round < 10; round++) {
      await runtime.clock.advance(HEARTBEAT_MS)
      rtc.bufferedAmount -= 50
    }
    expect(channel.send(new Uint8Array(1))).toBe(true)
  })

  it('gets an answer to its own ping', () => {
    const { rtc } = stage()
    rtc.receive('ping')
    expect(rtc.takeSent()).toEqual(['pong'])
  })
})

describe('mallory', () => {
  it('may send a message of 16 KiB and not a byte more', async () => {
    const { channel, rtc } = stage()
    let heard = 0
    channel.onMessage = ({ byteLength }) => {
      heard = byteLength
    }
    rtc.receive(MESSAGE_BYTES_MAX)
    expect(heard).toBe(MESSAGE_BYTES_MAX)
    rtc.receive(MESSAGE_BYTES_MAX + 1)
    expect(await channel.closed).toMatchObject({ by: 'us', code: 2, error: { code: 'ERR_WEBRTC_PROTOCOL' } })
  })

  it('ends her channel by a text that is not of the protocol, or a confirmation that nobody asked for', async () => {
    for (const text of ['hello', 'closed', 'close 65536', '']) {
      const { channel, rtc } = stage()
      rtc.receive(text)
      expect((await channel.closed).error?.code).toBe('ERR_WEBRTC_PROTOCOL')
    }
  })

  it('fills at most 1 MiB before anybody listens', async () => {
    const { channel, rtc } = stage()
    for (let bytes = 0; bytes < UNHEARD_BYTES_MAX; bytes += MESSAGE_BYTES_MAX) rtc.receive(MESSAGE_BYTES_MAX)
    await settle()
    expect(rtc.readyState).toBe('open')
    rtc.receive(1)
    expect((await channel.closed).error?.code).toBe('ERR_WEBRTC_OVERFLOW')
  })

  it('is not heard after her close', async () => {
    const { channel, rtc } = stage()
    let heard = 0
    channel.onMessage = () => heard++
    rtc.receive('close 0')
    rtc.receive(1)
    rtc.receive('hello')
    expect((await channel.closed).error).toBeUndefined()
    expect(heard).toBe(0)
  })
})
