import { afterEach, describe, expect, it } from '@jest/globals'
import { type Channel, type CloseReason, createRuntime, FINISHED, type SwarmError } from '@resilient-swarm/contract'
import { createVirtualClock, settle } from '@resilient-swarm/testkit'
import { createMultiplexer, type Multiplexer } from '../src/index.ts'
import { INITIAL_CREDIT_BYTES, PASSED_OVER_FRAMES_MAX } from '../src/limits.ts'
import { createSubstreamPair } from './pair.ts'

const BYTES_PER_MS = 10 * 1024
const HIGH_WATER_BYTES = 64 * 1024

/** Two ends of a link with a rate: what was sent arrives when the link has had the time for it. */
function createSlowLink() {
  const clock = createVirtualClock()
  const ends = [0, 1].map(() => {
    let waiting = 0
    let freeAtMs = 0
    let full = false
    const end: Channel & { peer?: Channel; mostWaiting: number } = {
      maxMessageBytes: 16 * 1024,
      mostWaiting: 0,
      onMessage: () => {},
      onDrain: () => {},
      closed: new Promise<CloseReason>(() => {}),
      close: (_reason = FINISHED) => {},
      abort: (_error: SwarmError) => {},
      send(message) {
        waiting += message.byteLength
        end.mostWaiting = Math.max(end.mostWaiting, waiting)
        freeAtMs = Math.max(freeAtMs, clock.monotonic()) + message.byteLength / BYTES_PER_MS
        clock.setTimer(freeAtMs - clock.monotonic(), () => {
          waiting -= message.byteLength
          end.peer?.onMessage(message)
          if (full && waiting < HIGH_WATER_BYTES / 2) {
            full = false
            end.onDrain()
          }
        })
        full = waiting > HIGH_WATER_BYTES
        return !full
      },
    }
    return end
  }) as [Channel & { peer?: Channel; mostWaiting: number }, Channel & { peer?: Channel; mostWaiting: number }]
  ends[0].peer = ends[1]
  ends[1].peer = ends[0]
  return { clock, ends }
}

function createSlowPair() {
  const { clock, ends } = createSlowLink()
  const runtime = { ...createRuntime(), clock }
  const received = new Map<string, number>()
  const common = { runtime, onSubstream: () => {} }
  const alice = createMultiplexer({ ...common, channel: ends[0], role: 'initiator' })
  createMultiplexer({
    ...common,
    channel: ends[1],
    role: 'responder',
    onSubstream(substream) {
      const raw = substream.raw()
      received.set(substream.type, 0)
      raw.onBytes = (bytes) => {
        received.set(substream.type, (received.get(substream.type) ?? 0) + bytes.byteLength)
        raw.consume(bytes.byteLength)
        if (substream.type === 'dnode') raw.write(bytes)
      }
    },
  })
  return { alice, clock, received, link: ends[0] }
}

/** Writes as fast as it may, for ever. */
function flood(multiplexer: Multiplexer, type: string): void {
  const raw = multiplexer.openSubstream(type).raw()
  raw.onDrain = () => {
    while (raw.write(new Uint8Array(16 * 1024)));
  }
  raw.onDrain()
}

describe('substreams that share a channel', () => {
  const cleanups: (() => void)[] = []
  afterEach(() => {
    for (const end of cleanups.splice(0)) end()
  })

  it('answer a dnode ping beside a full-speed transfer within what waits in the channel', async () => {
    const { alice, clock, received, link } = createSlowPair()
    flood(alice, 'file')
    const ping = alice.openSubstream('dnode').raw()
    const roundTripsMs: number[] = []
    let sentMs = 0
    ping.onBytes = (bytes) => {
      ping.consume(bytes.byteLength)
      roundTripsMs.push(clock.monotonic() - sentMs)
    }
    for (let count = 0; count < 20; count++) {
      sentMs = clock.monotonic()
      ping.write(new Uint8Array(50))
      await clock.advance(37)
    }
    expect(roundTripsMs).toHaveLength(20)
    const inChannelMs = (HIGH_WATER_BYTES + 2 * 16 * 1024) / BYTES_PER_MS
    expect(Math.max(...roundTripsMs)).toBeLessThan(inChannelMs + 2)
    expect(link.mostWaiting).toBeLessThanOrEqual(128 * 1024)
    expect(received.get('file')).toBeGreaterThan(BYTES_PER_MS * 37 * 20 * 0.9)
  })

  it('take turns: three transfers of one rank get the same', async () => {
    const { alice, clock, received } = createSlowPair()
    for (const type of ['a', 'b', 'c']) flood(alice, type)
    await clock.advance(200) // whoever came first filled the empty channel
    const before = new Map(received)
    await clock.advance(800)
    const gains = [...received].map(([type, bytes]) => bytes - (before.get(type) ?? 0))
    const [least = 0, , most = 0] = gains.sort((one, other) => one - other)
    expect(least).toBeGreaterThan(BYTES_PER_MS * 200)
    expect(most - least).toBeLessThanOrEqual(16 * 1024)
  })

  it('put our own services first and starve nobody', async () => {
    const { alice, clock, received } = createSlowPair()
    for (const type of ['db', 'file']) flood(alice, type)
    await clock.advance(2000)
    const ratio = (received.get('db') ?? 0) / (received.get('file') ?? 1)
    expect(ratio).toBeGreaterThan(PASSED_OVER_FRAMES_MAX * 0.8)
    expect(ratio).toBeLessThan(PASSED_OVER_FRAMES_MAX * 1.2)
  })

  it('are not held up by one that nobody reads, which holds its credit and no more', async () => {
    const pair = await createSubstreamPair({ type: 'stuck' })
    cleanups.push(() => pair.alice.close())
    const stuck = pair.outgoing.raw()
    stuck.onDrain = () => {
      while (stuck.write(new Uint8Array(16 * 1024)));
    }
    stuck.onDrain()
    await settle()
    const beside = await transfer(pair)
    expect(stuck.write(Uint8Array.of(1))).toBe(false)
    const held: number[] = []
    const late = pair.received.raw()
    late.onBytes = (bytes) => held.push(bytes.byteLength)
    expect(held.reduce((sum, size) => sum + size, 0)).toBe(INITIAL_CREDIT_BYTES)
    const free = await createSubstreamPair()
    cleanups.push(() => free.alice.close())
    const alone = await transfer(free)
    expect(beside.messages).toBeLessThanOrEqual(alone.messages * 1.05)
    expect(beside.bytes).toBe(alone.bytes)
  })
})

/** Sends 8 MiB over a new substream; how many channel messages it took, which is what speed comes down to. */
async function transfer({ alice, channels, incoming }: Awaited<ReturnType<typeof createSubstreamPair>>) {
  const total = 8 * 1024 * 1024
  let messages = 0
  const send = channels[0].send.bind(channels[0])
  channels[0].send = (message) => {
    messages++
    return send(message)
  }
  const raw = alice.openSubstream('file').raw()
  const reader = (await incoming()).raw()
  let bytes = 0
  const done = new Promise<void>((resolve) => {
    reader.onBytes = (chunk) => {
      bytes += chunk.byteLength
      reader.consume(chunk.byteLength)
      if (bytes === total) resolve()
    }
  })
  let sent = 0
  raw.onDrain = () => {
    while (sent < total) {
      sent += 16 * 1024
      if (!raw.write(new Uint8Array(16 * 1024))) return
    }
  }
  raw.onDrain()
  await done
  return { messages, bytes }
}
