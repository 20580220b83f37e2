import { describe, expect, it } from '@jest/globals'
import type { Substream } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime, settle } from '@resilient-swarm/testkit'
import { createMultiplexer, NodeBuffers, RESET_CODES } from '../src/index.ts'
import { NODE_BUFFERED_BYTES_MAX } from '../src/limits.ts'

const KIB = 1024

/** A peer of a node whose application reads nothing. */
function connect(nodeBuffers: NodeBuffers) {
  const [peer, channel] = createChannelPair({ maxMessageBytes: 16 * KIB })
  const arrived: Substream[] = []
  const runtime = createTestRuntime()
  const onSubstream = (substream: Substream) => void arrived.push(substream)
  const own = createMultiplexer({ channel, role: 'responder', runtime, onSubstream, nodeBuffers })
  const theirs = createMultiplexer({ channel: peer, role: 'initiator', runtime, onSubstream() {} })
  return {
    arrived,
    own,
    write: (kib: number) =>
      theirs
        .openSubstream('file')
        .raw()
        .write(new Uint8Array(kib * KIB)),
  }
}

describe('what all peers of a node leave unread', () => {
  it('has a bound: beyond it the peer with most unread loses a substream, nobody else does', async () => {
    const nodeBuffers = new NodeBuffers({ bytesMax: 300 * KIB })
    const mallory = connect(nodeBuffers)
    const bob = connect(nodeBuffers)
    mallory.write(200)
    bob.write(100)
    await settle()
    expect(nodeBuffers.unreadBytes).toBe(300 * KIB)
    bob.write(1)
    await settle()
    expect(await mallory.arrived[0]?.closed).toEqual({ kind: 'reset', by: 'us', code: RESET_CODES.buffersFull })
    expect(nodeBuffers.unreadBytes).toBe(101 * KIB)
    expect(bob.own.substreams).toHaveLength(2)
  })

  it('counts what is read and who leaves', async () => {
    const nodeBuffers = new NodeBuffers({ bytesMax: 300 * KIB })
    const bob = connect(nodeBuffers)
    const carol = connect(nodeBuffers)
    bob.write(10)
    carol.write(20)
    await settle()
    const raw = bob.arrived[0]?.raw()
    if (raw) raw.onBytes = (bytes) => raw.consume(bytes.byteLength)
    await settle()
    expect(nodeBuffers.unreadBytes).toBe(20 * KIB)
    carol.own.close()
    await carol.own.closed
    expect(nodeBuffers.unreadBytes).toBe(0)
  })

  it('is 64 MiB unless told otherwise', () => {
    expect(new NodeBuffers().bytesMax).toBe(NODE_BUFFERED_BYTES_MAX)
    expect(NODE_BUFFERED_BYTES_MAX).toBe(64 * KIB * KIB)
    expect(() => new NodeBuffers({ bytesMax: 0 })).toThrow(RangeError)
  })
})
