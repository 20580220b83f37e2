import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { encodeBase64Url, type Substream } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { isLarger } from '@resilient-swarm/mesh'
import { WebSocketServer } from 'ws'
import { REPLICATIONS_BURST } from '../src/limits.ts'
import { OWN_TYPES } from '../src/own-types.ts'
import type { ConnectedPeer } from '../src/peer.ts'
import { connected, createNodes } from './nodes.ts'

const nodes = createNodes()
afterEach(() => nodes.end())

const pairs = [createKeyPair(), createKeyPair()] as const
const [smaller, larger] = isLarger(pairs[0].peerId, pairs[1].peerId) ? [pairs[1], pairs[0]] : pairs

/** Alice, and mallory's hands on her connection to alice; of two peers the one with the larger key leads. */
async function aliceAndMallory({ leads }: { leads: 'alice' | 'mallory' }) {
  const server = await nodes.serve()
  const [ofAlice, ofMallory] = leads === 'alice' ? [larger, smaller] : [smaller, larger]
  const alice = nodes.join({ signals: [server.url], seed: ofAlice.seed })
  const mallory = nodes.join({ signals: [server.url], seed: ofMallory.seed })
  const heard: string[] = []
  alice.on('stream', (substream) => void heard.push(substream.type))
  await Promise.all([mallory.call(alice.publicKey), connected(alice, mallory)])
  const [peer] = mallory.peers as ConnectedPeer[]
  if (!peer) throw new Error('mallory is not connected')
  return { alice, heard, peer, open: (type: string) => peer.multiplexer.openSubstream(type) }
}

const isReset = async (substream: Substream) => (await substream.closed).kind === 'reset'

describe('a hostile peer', () => {
  it.each(['alice', 'mallory'] as const)(
    'opens the swarm’s own types once more and reaches no application: %s leads',
    async (leads) => {
      const { heard, open, peer } = await aliceAndMallory({ leads })
      expect(await isReset(open(OWN_TYPES.rpc))).toBe(true)
      open(OWN_TYPES.relay)
      await peer.rpc.ping()
      expect(heard).toEqual([])
    },
  )

  it('that does not lead has no replication to open', async () => {
    const { open, peer } = await aliceAndMallory({ leads: 'alice' })
    expect(await isReset(open(OWN_TYPES.table))).toBe(true)
    await peer.rpc.ping()
  })

  it('begins no more replications than the rate allows', async () => {
    const { open, peer } = await aliceAndMallory({ leads: 'mallory' })
    let refused = 0
    const substreams = Array.from({ length: REPLICATIONS_BURST + 8 }, () => open(OWN_TYPES.table))
    for (const substream of substreams) void isReset(substream).then((is) => (refused += is ? 1 : 0))
    await peer.rpc.ping()
    await peer.rpc.ping()
    expect(refused).toBeGreaterThanOrEqual(8)
  })
})

describe('a signal server that lives at the end of time', () => {
  it('cannot keep a node from making signals that others take', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await new Promise((resolve) => server.once('listening', resolve))
    const limits = { boxBytes: 9_000, sends: { perSecond: 10, burst: 40 }, lookups: { perSecond: 5, burst: 50 } }
    const sent = new Promise((resolve) => {
      server.on('connection', (socket) => {
        const nonce = encodeBase64Url(new Uint8Array(32))
        socket.send(JSON.stringify({ type: 'challenge', nonce, time: Number.MAX_SAFE_INTEGER }))
        socket.on('message', (data) => {
          const { type } = JSON.parse(String(data))
          if (type === 'register') socket.send(JSON.stringify({ type: 'registered', limits }))
          if (type === 'send') resolve(type)
        })
      })
    })
    const alice = nodes.join({ signals: [`ws://127.0.0.1:${(server.address() as AddressInfo).port}`] })
    const bob = nodes.join({ signals: [] })
    await alice.ready
    alice.call(bob.publicKey).catch(() => {})
    expect(await sent).toBe('send')
    await alice.close()
    server.close()
  })
})
