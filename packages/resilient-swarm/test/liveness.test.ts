import { describe, expect, it } from '@jest/globals'
import { Scope, SwarmError } from '@resilient-swarm/contract'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { FIRST_PINGS_MS, LATENESS_FORGIVEN_MS, PING_INTERVAL_MS, PING_TIMEOUT_MS } from '../src/limits.ts'
import { watchLiveness } from '../src/liveness.ts'

function watch(answer: (pings: number) => boolean) {
  const { clock } = createTestRuntime()
  const scope = new Scope()
  const seen = { pings: 0, rtts: [] as number[], lost: 0 }
  const ping = () =>
    new Promise<void>((resolve, reject) => {
      const answered = answer(++seen.pings)
      const timeout = () => reject(new SwarmError('No answer.', { code: 'ERR_RPC_TIMEOUT' }))
      clock.setTimer(answered ? 7 : PING_TIMEOUT_MS, answered ? resolve : timeout)
    })
  watchLiveness({ clock, scope, ping, onRtt: (rttMs) => void seen.rtts.push(rttMs), onLost: () => void seen.lost++ })
  return { clock, scope, seen }
}

describe('watching a peer', () => {
  it('measures the round trip at once and then every interval, until the scope ends', async () => {
    const { clock, scope, seen } = watch(() => true)
    await clock.advance(2 * PING_INTERVAL_MS + 10)
    expect(seen.rtts).toEqual(Array.from({ length: 3 + FIRST_PINGS_MS.length }, () => 7))
    await scope.close()
    await clock.advance(60_000)
    expect(seen.pings).toBe(3 + FIRST_PINGS_MS.length)
    expect(clock.pending).toBe(0)
  })

  it('notices a peer that fell silent within ten seconds', async () => {
    const { clock, seen } = watch((pings) => pings <= 1 + FIRST_PINGS_MS.length)
    await clock.advance(PING_INTERVAL_MS + PING_TIMEOUT_MS - 1)
    expect(seen.lost).toBe(0)
    await clock.advance(10_000 - (PING_INTERVAL_MS + PING_TIMEOUT_MS))
    expect(seen.lost).toBeGreaterThan(0)
    expect(PING_INTERVAL_MS + PING_TIMEOUT_MS).toBeLessThan(10_000)
  })

  it('does not blame the peer when this node itself was late', async () => {
    let lateMs = 0
    const { clock } = createTestRuntime()
    const slow = { ...clock, monotonic: () => clock.monotonic() + lateMs, setTimer: clock.setTimer }
    const scope = new Scope()
    const rejects: (() => void)[] = []
    let lost = 0
    const ping = () => new Promise<void>((_, reject) => rejects.push(() => reject(new Error('late'))))
    watchLiveness({ clock: slow, scope, ping, onRtt() {}, onLost: () => lost++ })
    lateMs = LATENESS_FORGIVEN_MS + 1 // the machine slept before the first tick
    await clock.advance(PING_INTERVAL_MS)
    rejects[0]?.()
    await clock.advance(0)
    expect(lost).toBe(0)
    await clock.advance(2 * PING_INTERVAL_MS)
    rejects.at(-1)?.()
    await clock.advance(0)
    expect(lost).toBe(1)
    await scope.close()
  })

  it('does not blame the peer when the application left no room to ask', async () => {
    const { clock } = createTestRuntime()
    const scope = new Scope()
    let lost = 0
    const ping = () => Promise.reject(new SwarmError('Too many calls.', { code: 'ERR_RPC_BUSY' }))
    watchLiveness({ clock, scope, ping, onRtt() {}, onLost: () => lost++ })
    await clock.advance(60_000)
    expect(lost).toBe(0)
    await scope.close()
  })
})
