import { describe, expect, it } from '@jest/globals'
import type { Substream } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createMultiplexer, NodeBuffers } from '@resilient-swarm/multiplexer'
import type { Session } from '@resilient-swarm/session'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { ATTEMPT_TIMEOUT_MS, SUBSTREAMS_EARLY_MAX } from '../src/limits.ts'
import { readOptions } from '../src/options.ts'
import { OWN_TYPES } from '../src/own-types.ts'
import { setUpPeer } from '../src/set-up-peer.ts'

/** Bob, and mallory's multiplexer at the other end of a session that has just begun. */
function bobAndMallory({ leads }: { leads: boolean }) {
  const { clock, random, log } = createTestRuntime()
  const runtime = { clock, random, log }
  const [ours, theirs] = createChannelPair()
  const opened: Substream[] = []
  const onSubstream = (substream: Substream) => void opened.push(substream)
  const mallory = createMultiplexer({ channel: theirs, role: 'initiator', runtime, onSubstream })
  const heard: string[] = []
  const peer = setUpPeer({
    id: createKeyPair().peerId,
    session: ours as unknown as Session,
    leads,
    settings: readOptions({ runtime, signals: [], transports: [] }),
    nodeBuffers: new NodeBuffers(),
    builtIn: () => ({}),
    onSubstream: (_, substream) => void heard.push(substream.type),
  })
  return { clock, ours, mallory, opened, heard, peer }
}

describe('a session that has just begun', () => {
  it('is led by opening the rpc substream at once', async () => {
    const { clock, opened, peer } = bobAndMallory({ leads: true })
    await peer
    await clock.advance(0)
    expect(opened.map(({ type }) => type)).toEqual([OWN_TYPES.rpc])
  })

  it('ends with an error when the peer leads and never opens one', async () => {
    const { clock, ours, peer } = bobAndMallory({ leads: false })
    const failed = expect(peer).rejects.toMatchObject({ code: 'ERR_PEER_SETUP' })
    await clock.advance(ATTEMPT_TIMEOUT_MS - 1)
    expect(clock.pending).toBeGreaterThan(0)
    await clock.advance(1)
    await failed
    expect((await ours.closed).error).toMatchObject({ code: 'ERR_PEER_SETUP' })
    expect(clock.pending).toBe(0)
  })

  it('ends with an error when the peer leaves before', async () => {
    const { clock, mallory, peer } = bobAndMallory({ leads: false })
    const failed = expect(peer).rejects.toMatchObject({ code: 'ERR_PEER_SETUP' })
    mallory.close()
    await clock.advance(0)
    await failed
    expect(clock.pending).toBe(0)
  })

  it('keeps what comes before rpc, up to a few, and resets the rest', async () => {
    const { clock, mallory, heard, peer } = bobAndMallory({ leads: false })
    const early = Array.from({ length: SUBSTREAMS_EARLY_MAX + 1 }, (_, index) => mallory.openSubstream(`early ${index}`))
    await clock.advance(0)
    expect(await early.at(-1)?.closed).toMatchObject({ kind: 'reset', by: 'peer' })
    expect(heard).toEqual([])
    mallory.openSubstream(OWN_TYPES.rpc)
    await peer
    expect(heard).toEqual(early.slice(0, -1).map(({ type }) => type))
  })
})
