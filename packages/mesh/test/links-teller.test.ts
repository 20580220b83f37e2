import { describe, expect, it } from '@jest/globals'
import { type PeerId, Scope } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createVirtualClock } from '@resilient-swarm/testkit'
import { LINK_RTT_CHANGE_MS_MIN, LINKS_REVIEW_MS } from '../src/limits.ts'
import { createLinksTeller, isOtherRtt, type ToldPeer } from '../src/links-teller.ts'

describe('a round trip is told anew', () => {
  it.each([
    ['when it was measured for the first time', undefined, 3, true],
    ['not while it is not measured', 3, undefined, false],
    ['not for less than a quarter of it', 100, 124, false],
    ['when it has grown by a quarter', 100, 125, true],
    ['when it has shrunk by a quarter', 100, 75, true],
    ['not for a few milliseconds', 1, 1 + LINK_RTT_CHANGE_MS_MIN - 0.1, false],
    ['for five milliseconds of one', 1, 1 + LINK_RTT_CHANGE_MS_MIN, true],
  ])('%s', (_, toldMs, rttMs, expected) => {
    expect(isOtherRtt(toldMs, rttMs)).toBe(expected)
  })
})

describe('links', () => {
  it('are those to direct peers, and are reviewed', async () => {
    const clock = createVirtualClock()
    const scope = new Scope()
    const [bob, carol] = [peer(1, { isDirect: true }), peer(undefined, { isDirect: false })]
    const told: PeerId[][] = []
    const teller = createLinksTeller({
      clock,
      scope,
      peers: () => [bob, carol],
      publish: (peers) => void told.push(peers.map(({ publicKey }) => publicKey)),
    })
    teller.tell()
    await clock.advance(3 * LINKS_REVIEW_MS)
    expect(told).toEqual([[bob.publicKey]])
    Object.assign(carol, { isDirect: true })
    await clock.advance(LINKS_REVIEW_MS)
    expect(told.at(-1)).toEqual([bob.publicKey, carol.publicKey])
    Object.assign(carol, { rttMs: 20 })
    await clock.advance(LINKS_REVIEW_MS)
    expect(told).toHaveLength(3)
    await clock.advance(LINKS_REVIEW_MS)
    expect(told).toHaveLength(3)
    await scope.close()
    expect(clock.pending).toBe(0)
  })
})

function peer(rttMs: number | undefined, { isDirect }: { isDirect: boolean }): ToldPeer {
  return { publicKey: createKeyPair().peerId, rttMs, isDirect }
}
