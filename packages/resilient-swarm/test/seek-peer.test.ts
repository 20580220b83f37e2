import { describe, expect, it } from '@jest/globals'
import { type PeerId, SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { SessionPath } from '@resilient-swarm/session'
import { createTestRuntime } from '@resilient-swarm/testkit'
import type { Circuits } from '../src/circuits.ts'
import type { DirectDialler } from '../src/direct-dialler.ts'
import { CIRCUITS_SOUGHT_MAX, DIRECT_HEAD_START_MS, SEEK_RELAY_PATIENCE_MS } from '../src/limits.ts'
import { seekPeer } from '../src/seek-peer.ts'
import { createCountedSignal } from './counted-signal.ts'

const [bob, ...relays] = Array.from({ length: 20 }, () => createKeyPair().peerId) as [PeerId, ...PeerId[]]

type Answer = 'silent' | 'refused' | 'final' | 'stands'

/** A search for bob, whom nobody reaches directly, through these relays. */
function search(answers: readonly Answer[]) {
  const { clock } = createTestRuntime()
  const counted = createCountedSignal()
  const abort = counted.controller
  const asked: { relay: PeerId; atMs: number }[] = []
  const underWay = { now: 0, most: 0 }
  async function answerOf(relay: PeerId): Promise<SessionPath> {
    const answer = answers[relays.indexOf(relay)]
    if (answer === 'silent') await new Promise((_, reject) => clock.setTimer(10_000, () => reject(new Error('late'))))
    if (answer === 'refused') throw new SwarmError('no', { code: 'ERR_CIRCUIT_REFUSED' })
    if (answer === 'final') throw new SwarmError('no', { code: 'ERR_REFUSED' })
    return {} as SessionPath
  }
  const circuits = {
    relaysTo: () => relays.slice(0, answers.length).map((relay) => ({ relay })),
    async dial({ relay }: { relay: PeerId }) {
      asked.push({ relay, atMs: clock.monotonic() })
      underWay.most = Math.max(underWay.most, ++underWay.now)
      return answerOf(relay).finally(() => underWay.now--)
    },
  } as unknown as Circuits
  const dialler = { dial: () => Promise.reject(new Error('no way')) } as unknown as DirectDialler
  const done = seekPeer({ target: bob, clock, dialler, circuits, onBusy: () => {}, signal: abort.signal })
  done.catch(() => {})
  return { clock, asked, underWay, done, abort, counted }
}

describe('the search for a circuit', () => {
  it('does not wait for relays that are silent, even when they promise to be the best', async () => {
    const { clock, asked, abort } = search([...Array<Answer>(6).fill('silent'), 'stands'])
    await clock.advance(DIRECT_HEAD_START_MS + 3 * SEEK_RELAY_PATIENCE_MS)
    expect(asked.map(({ relay }) => relay)).toContain(relays[6])
    abort.abort()
  })

  it(`has ${CIRCUITS_SOUGHT_MAX} under way at most`, async () => {
    const { clock, underWay, abort } = search(Array<Answer>(19).fill('silent'))
    await clock.advance(30_000)
    expect(underWay.most).toBe(CIRCUITS_SOUGHT_MAX)
    abort.abort()
  })

  it('leaves no listener and no timer behind, however many relays refuse at once', async () => {
    const { clock, abort, counted } = search(Array<Answer>(19).fill('refused'))
    await clock.advance(60_000)
    expect(counted.most()).toBeLessThanOrEqual(4)
    abort.abort()
    await clock.advance(0)
    expect([counted.now(), clock.pending]).toEqual([0, 0])
  })

  it('asks those who refuse again, with pauses', async () => {
    const { clock, asked, abort } = search(['refused', 'refused', 'refused'])
    await clock.advance(10_000)
    expect(asked.length).toBeGreaterThan(6)
    expect(asked.length).toBeLessThan(70)
    abort.abort()
  })

  it('ends when the peer says no for good', async () => {
    const { clock, done } = search(['silent', 'final'])
    await clock.advance(DIRECT_HEAD_START_MS + SEEK_RELAY_PATIENCE_MS)
    await expect(done).rejects.toMatchObject({ code: 'ERR_REFUSED' })
  })
})
