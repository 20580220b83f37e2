import { afterEach, describe, expect, it } from '@jest/globals'
import { createKeyPair, publicKeyOf } from '@resilient-swarm/identity'
import { INCOMING_BURST } from '../src/limits.ts'
import type { ConnectedPeer } from '../src/peer.ts'
import { connected, createNodes } from './nodes.ts'

const nodes = createNodes()
afterEach(() => nodes.end())

const INCOMING = 2
const ACCEPT = 3

/** Mallory is connected to bob and brings him circuits of whomever she likes, which never shake hands. */
async function malloryBringsBob(count: number) {
  const server = await nodes.serve()
  const [bob, mallory] = [nodes.join({ signals: [server.url] }), nodes.join({ signals: [server.url] })]
  await Promise.all([mallory.call(bob.publicKey), connected(bob, mallory)])
  const [peer] = mallory.peers as ConnectedPeer[]
  const bring = async () => {
    const raw = (peer as ConnectedPeer).multiplexer.openSubstream('relay').raw()
    const payload = [...publicKeyOf(createKeyPair().peerId), ...new Uint8Array(16), 0, 1, 0x80, 0xa0, 0x05]
    const answer = new Promise<number | undefined>((resolve) => {
      raw.onBytes = (bytes) => resolve(bytes[0])
      raw.onEnd = () => resolve(undefined)
    })
    raw.write(Uint8Array.of(INCOMING, payload.length, ...payload))
    const type = await answer
    return { type, raw }
  }
  const brought = []
  for (let each = 0; each < count; each++) brought.push(await bring())
  return { bob, server, brought, bring }
}

describe('a hostile relay', () => {
  it('takes few places with all the names she makes up, and bob still meets alice', async () => {
    const { bob, server, brought } = await malloryBringsBob(8)
    expect(brought.filter(({ type }) => type === ACCEPT).length).toBeLessThan(4)
    const alice = nodes.join({ signals: [server.url] })
    await Promise.all([alice.call(bob.publicKey), connected(bob, alice)])
    expect(bob.peers).toHaveLength(2)
  })

  it('brings so many at once and no more, even when each is given up at once', async () => {
    const { bring } = await malloryBringsBob(0)
    let accepted = 0
    for (let each = 0; each < 3 * INCOMING_BURST; each++) {
      const { type, raw } = await bring()
      if (type === ACCEPT) accepted++
      raw.reset()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(accepted).toBeGreaterThan(1)
    expect(accepted).toBeLessThan(2 * INCOMING_BURST)
  })
})
