import { describe, expect, it } from '@jest/globals'
import type { Channel } from '@resilient-swarm/contract'
import { createTestRuntime, settle } from '@resilient-swarm/testkit'
import type { Circuit } from '../src/index.ts'
import { FORWARD_BYTES_MAX, MESSAGE_BYTES_MAX } from '../src/limits.ts'
import { connect, createNode, createThree } from './three-nodes.ts'

const KIB = 1024
const WINDOW_BYTES = 256 * KIB // of a substream, as the multiplexer gives it to begin with
const QUEUE_BYTES = 64 * KIB + MESSAGE_BYTES_MAX // what a substream's writer may queue before it is told to wait

/** Sends numbered messages for as long as it may, and again whenever it may, up to so many bytes. */
function pour(channel: Channel, messageBytes: number, bytesMax = Number.POSITIVE_INFINITY) {
  const state = { sentBytes: 0, messages: 0, waits: 0, stop: false }
  const go = () => {
    while (!state.stop && state.sentBytes < bytesMax) {
      state.sentBytes += messageBytes
      if (channel.send(new Uint8Array(messageBytes).fill(state.messages++))) continue
      state.waits++
      return
    }
  }
  channel.onDrain = go
  go()
  return state
}

function drink(channel: Channel) {
  const state = { bytes: 0, messages: 0, inOrder: true }
  channel.onMessage = (message) => {
    state.bytes += message.byteLength
    state.inOrder &&= message[0] === (state.messages & 0xff)
    state.messages++
  }
  return state
}

const lastOf = (incoming: readonly { circuit: Circuit }[]) => (incoming.at(-1) as { circuit: Circuit }).circuit

describe('back pressure, end to end', () => {
  it.each([MESSAGE_BYTES_MAX, 100])('reaches who sends when nobody reads, in messages of %p bytes', async (messageBytes) => {
    const { bob, ruth, dial } = createThree()
    const circuit = await dial()
    const poured = pour(circuit.channel, messageBytes)
    await settle()
    await settle()
    expect(poured.waits).toBeGreaterThan(0)
    const { sentBytes } = poured
    expect(ruth.relay.counters.heldBytes).toBeLessThanOrEqual(WINDOW_BYTES)
    // With headers of at most 4 bytes a message: two writers' queues, ruth's window and bob's.
    expect(sentBytes).toBeLessThan(2 * (WINDOW_BYTES + QUEUE_BYTES) + MESSAGE_BYTES_MAX)
    await settle()
    expect(poured.sentBytes).toBe(sentBytes)
    poured.stop = true
    const drunk = drink(lastOf(bob.incoming).channel)
    await settle()
    await settle()
    expect(drunk).toEqual({ bytes: sentBytes, messages: poured.messages, inOrder: true })
    expect(ruth.relay.counters.heldBytes).toBe(0)
  })

  it('of one circuit holds up no other', async () => {
    const { bob, dial } = createThree()
    const stuck = await dial()
    pour(stuck.channel, MESSAGE_BYTES_MAX)
    await settle()
    const free = await dial()
    const drunk = drink(lastOf(bob.incoming).channel)
    const poured = pour(free.channel, 1_000, 4 * WINDOW_BYTES)
    await settle()
    expect(drunk.bytes).toBe(poured.sentBytes)
    expect(drunk.bytes).toBeGreaterThanOrEqual(4 * WINDOW_BYTES)
  })

  it('shares the leg to one target fairly between two circuits', async () => {
    const { bob, ruth, alice, dial } = createThree()
    const carol = createNode('carol')
    connect(carol, ruth)
    const one = await dial()
    const two = await carol.relay.dial({ relay: ruth.id, target: bob.id })
    const total = 4 * KIB * KIB
    const drunk = bob.incoming.map(({ circuit }) => drink(circuit.channel))
    const poured = [pour(one.channel, MESSAGE_BYTES_MAX, total), pour(two.channel, MESSAGE_BYTES_MAX, total)]
    // What the other had received at the moment when the first half of all had arrived.
    let halfway: number[] | undefined
    for (const { circuit } of bob.incoming) {
      const receive = circuit.channel.onMessage
      circuit.channel.onMessage = (message) => {
        receive(message)
        const bytes = drunk.map((state) => state.bytes) as [number, number]
        if (bytes[0] + bytes[1] >= total) halfway ??= bytes
      }
    }
    await settle()
    expect(drunk.map(({ bytes }) => bytes)).toEqual(poured.map(({ sentBytes }) => sentBytes))
    for (const bytes of halfway ?? []) expect(bytes / total).toBeGreaterThan(0.4)
    expect(halfway).toHaveLength(2)
    expect(alice.relay.counters.ownCircuits).toBe(1)
  })

  it('keeps an announced rate to within one record, in each direction, and delivers all of it', async () => {
    const runtime = createTestRuntime()
    const [bytesPerSecondMax, burstBytesMax] = [200_000, 50_000]
    const { bob, ruth, dial } = createThree({ runtime, limits: { bytesPerSecondMax, burstBytesMax } })
    const circuit = await dial()
    const other = lastOf(bob.incoming)
    const drunk = [drink(other.channel), drink(circuit.channel)]
    const poured = [pour(circuit.channel, MESSAGE_BYTES_MAX), pour(other.channel, 3_000)]
    const start = runtime.clock.monotonic()
    for (let turn = 0; turn < 40; turn++) {
      await runtime.clock.advance(100)
      const allowed = burstBytesMax + ((runtime.clock.monotonic() - start) * bytesPerSecondMax) / 1000
      for (const { bytes } of drunk) {
        expect(bytes).toBeLessThanOrEqual(allowed + FORWARD_BYTES_MAX)
        expect(bytes).toBeGreaterThan(allowed * 0.95 - 2 * FORWARD_BYTES_MAX)
      }
      expect(ruth.relay.counters.heldBytes).toBeLessThanOrEqual(2 * WINDOW_BYTES)
    }
    for (const state of poured) state.stop = true
    await runtime.clock.advance(10_000)
    expect(drunk.map(({ bytes, inOrder }) => [bytes, inOrder])).toEqual(poured.map(({ sentBytes }) => [sentBytes, true]))
  })
})
