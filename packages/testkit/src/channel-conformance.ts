import { afterEach, describe, expect, it } from '@jest/globals'
import { type Channel, SwarmError } from '@resilient-swarm/contract'

/** Makes a connected pair, and ends whatever it stands on. */
export interface ChannelMaker {
  create(): Promise<{ alice: Channel; bob: Channel; destroy?(): void | Promise<void> }>
}

/** What every maker of Channels promises (see `Channel` in the contract), as a jest suite. */
export function describeChannelConformance(name: string, maker: ChannelMaker): void {
  describe(`${name} is a Channel`, () => {
    let destroy: (() => void | Promise<void>) | undefined
    afterEach(() => destroy?.())
    const open = async () => {
      const pair = await maker.create()
      destroy = async () => {
        pair.alice.abort(new SwarmError('The test is over.', { code: 'ERR_TEST_OVER' }))
        pair.bob.abort(new SwarmError('The test is over.', { code: 'ERR_TEST_OVER' }))
        await pair.destroy?.()
      }
      return pair
    }

    it('keeps order and message boundaries in both directions', async () => {
      const { alice, bob } = await open()
      const sizes = [1, 2, 1000, alice.maxMessageBytes, 3, 0, 255].filter((size) => size <= alice.maxMessageBytes)
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const received = collect(to, sizes.length)
        for (const [index, size] of sizes.entries()) from.send(new Uint8Array(size).fill(index + 1))
        expect((await received).map((message) => [message.byteLength, message[0]])).toEqual(
          sizes.map((size, index) => [size, size === 0 ? undefined : index + 1]),
        )
      }
    })

    it('holds messages until somebody listens', async () => {
      const { alice, bob } = await open()
      alice.send(Uint8Array.of(1))
      alice.send(Uint8Array.of(2))
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect((await collect(bob, 2)).map((message) => message[0])).toEqual([1, 2])
    })

    it('refuses a message over its maximum with a RangeError', async () => {
      const { alice } = await open()
      expect(() => alice.send(new Uint8Array(alice.maxMessageBytes + 1))).toThrow(RangeError)
    })

    it('says when to wait and when to go on, and loses nothing', async () => {
      const { alice, bob } = await open()
      const total = 8 * 1024 * 1024
      const chunk = alice.maxMessageBytes
      let receivedBytes = 0
      let waits = 0
      const all = new Promise<void>((resolve) => {
        bob.onMessage = (message) => {
          receivedBytes += message.byteLength
          if (receivedBytes >= total) resolve()
        }
      })
      let sentBytes = 0
      while (sentBytes < total) {
        const drained = new Promise<void>((resolve) => {
          alice.onDrain = resolve
        })
        const size = Math.min(chunk, total - sentBytes)
        sentBytes += size
        if (!alice.send(new Uint8Array(size)) && sentBytes < total) {
          waits++
          await drained
        }
      }
      await all
      expect(receivedBytes).toBe(total)
      expect(waits).toBeGreaterThan(0)
    })

    it('flushes before it closes, and tells both sides', async () => {
      const { alice, bob } = await open()
      const received = collect(bob, 20)
      for (let index = 0; index < 20; index++) alice.send(new Uint8Array(1000).fill(index))
      alice.close()
      expect(await received).toHaveLength(20)
      expect(await alice.closed).toMatchObject({ by: 'us', code: 0 })
      const end = await bob.closed
      expect(end).toMatchObject({ by: 'peer', code: 0 })
      expect(end.error).toBeUndefined()
    })

    it('aborts at once with the error it was given, and the other side learns that it was no ordinary end', async () => {
      const { alice, bob } = await open()
      const error = new SwarmError('Enough.', { code: 'ERR_ENOUGH' })
      alice.abort(error)
      expect((await alice.closed).error).toBe(error)
      expect((await bob.closed).error).toBeInstanceOf(SwarmError)
    })

    it('is silent after its end: sending says false, a second end changes nothing', async () => {
      const { alice, bob } = await open()
      alice.close()
      await Promise.all([alice.closed, bob.closed])
      let late = 0
      bob.onMessage = () => late++
      expect(alice.send(Uint8Array.of(1))).toBe(false)
      alice.abort(new SwarmError('Too late.', { code: 'ERR_LATE' }))
      alice.close()
      expect(await alice.closed).toMatchObject({ by: 'us', code: 0 })
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(late).toBe(0)
    })
  })
}

function collect(channel: Channel, count: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const messages: Uint8Array[] = []
    channel.onMessage = (message) => {
      messages.push(message)
      if (messages.length === count) resolve(messages)
    }
  })
}
