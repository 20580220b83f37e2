import { afterEach, describe, expect, it } from '@jest/globals'
import { encodeVarint, SwarmError } from '@resilient-swarm/contract'
import { describeChannelConformance, settle } from '@resilient-swarm/testkit'
import { toChannel } from '../src/index.ts'
import { createSubstreamPair } from './pair.ts'

describeChannelConformance('toChannel over a multiplexer', {
  async create() {
    const { alice, outgoing, received, bob } = await createSubstreamPair()
    return {
      alice: toChannel(outgoing),
      bob: toChannel(received),
      destroy() {
        alice.close()
        bob.close()
      },
    }
  },
})

describeChannelConformance('toChannel over plain mplex, with messages longer than its frames,', {
  async create() {
    const { outgoing, received } = await createSubstreamPair({ flowControl: false, channel: { maxMessageBytes: 1024 } })
    return { alice: toChannel(outgoing, { maxMessageBytes: 100_000 }), bob: toChannel(received, { maxMessageBytes: 100_000 }) }
  },
})

describe('toChannel', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })
  const open = async (maxMessageBytes: number) => {
    const { alice, outgoing, received } = await createSubstreamPair()
    ends.push(() => alice.close())
    return { raw: outgoing.raw(), bob: toChannel(received, { maxMessageBytes }) }
  }

  it('takes a message of its maximum in single bytes', async () => {
    const { raw, bob } = await open(300)
    const messages: Uint8Array[] = []
    bob.onMessage = (message) => messages.push(message)
    const bytes = [...encodeVarint(300), ...new Uint8Array(300).fill(7), ...encodeVarint(1), 9]
    for (const byte of bytes) {
      raw.write(Uint8Array.of(byte))
      await settle()
    }
    expect(messages).toEqual([new Uint8Array(300).fill(7), Uint8Array.of(9)])
  })

  it.each([
    ['a message of one byte more than its maximum', encodeVarint(301)],
    ['a length that is longer than needed', Uint8Array.of(0x80, 0x00)],
    ['a length of nine bytes', new Uint8Array(9).fill(0x80)],
  ])('ends with ERR_CHANNEL_PROTOCOL at %s', async (_what, bytes) => {
    const { raw, bob } = await open(300)
    bob.onMessage = () => {}
    raw.write(bytes)
    expect((await bob.closed).error?.code).toBe('ERR_CHANNEL_PROTOCOL')
  })

  it('tells an end inside a message from an ordinary one', async () => {
    const { raw, bob } = await open(300)
    bob.onMessage = () => {}
    raw.write(Uint8Array.of(5, 1, 2))
    raw.end()
    expect((await bob.closed).error?.code).toBe('ERR_CHANNEL_PROTOCOL')
  })

  it('leaves what nobody listens to with the sender, by credit', async () => {
    const { raw, bob } = await open(1024)
    const message = new Uint8Array(1024 + 2)
    message.set(encodeVarint(1024))
    let sent = 0
    while (raw.write(message.slice()) && sent < 10_000) sent++
    await settle()
    expect(sent * message.byteLength).toBeLessThan(256 * 1024 + 64 * 1024 + 2 * message.byteLength)
    let received = 0
    bob.onMessage = () => received++
    await settle()
    expect(received).toBe(sent + 1)
  })

  it.each([0, 1.5, 16 * 1024 * 1024 + 1])('refuses a maximum of %p', async (maxMessageBytes) => {
    const { outgoing } = await createSubstreamPair()
    expect(() => toChannel(outgoing, { maxMessageBytes })).toThrow(RangeError)
  })

  it('ends with the session under it', async () => {
    const { alice, outgoing } = await createSubstreamPair()
    const channel = toChannel(outgoing)
    alice.abort(new SwarmError('Enough.', { code: 'ERR_ENOUGH' }))
    expect((await channel.closed).error).toBeInstanceOf(SwarmError)
  })
})
