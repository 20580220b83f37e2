import { describe, expect, it } from '@jest/globals'
import { type Path, Scope } from '@resilient-swarm/contract'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createHandshakePlaces } from '../src/handshake-places.ts'
import { HANDSHAKES_PENDING_MAX } from '../src/limits.ts'
import type { Reception } from '../src/reception.ts'
import { createStrangers } from '../src/strangers.ts'

function setUp() {
  const { clock, ...runtime } = createTestRuntime()
  const scope = new Scope()
  const places = createHandshakePlaces()
  const welcomed: { path: Path; from: unknown; settle(error?: Error): void }[] = []
  const reception = {
    welcome: ({ path, from }: { path: Path; from: unknown }) =>
      new Promise<void>((resolve, reject) => {
        welcomed.push({ path, from, settle: (error) => (error ? reject(error) : resolve()) })
      }),
  } as unknown as Reception
  const receive = createStrangers({ runtime: { clock, ...runtime }, scope, places, reception })
  const arrive = () => {
    const [channel] = createChannelPair()
    receive({ channel, kind: 'test', binding: new Uint8Array(0) })
    return channel
  }
  return { clock, scope, places, welcomed, arrive }
}

describe('paths of nobody knows whom', () => {
  it('are welcomed without a name, in half of all places, and the next is cut', async () => {
    const { welcomed, arrive } = setUp()
    for (let count = 0; count < HANDSHAKES_PENDING_MAX / 2; count++) arrive()
    expect(welcomed.map(({ from }) => from)).toEqual(Array(HANDSHAKES_PENDING_MAX / 2).fill(undefined))
    expect((await arrive().closed).error).toMatchObject({ code: 'ERR_PEER_BUSY' })
    expect(welcomed).toHaveLength(HANDSHAKES_PENDING_MAX / 2)
  })

  it('give their place back, whether anything came of them or not', async () => {
    const { clock, places, welcomed, arrive } = setUp()
    arrive()
    arrive()
    expect(places.taken).toBe(2)
    welcomed[0]?.settle()
    welcomed[1]?.settle(new Error('no key'))
    await clock.advance(0)
    expect(places.taken).toBe(0)
  })

  it('are cut once the node has closed', async () => {
    const { scope, welcomed, arrive } = setUp()
    await scope.close()
    expect((await arrive().closed).error).toMatchObject({ code: 'ERR_PEER_BUSY' })
    expect(welcomed).toEqual([])
  })
})
