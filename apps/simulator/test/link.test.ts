import { describe, expect, it } from '@jest/globals'
import { synthesizeLatency } from '../src/latency.ts'
import { DEAD_QUIET_MS, PING_IDLE_MS, RECONNECT_TIMEOUT_MS } from '../src/limits.ts'
import { Link, type LinkEndReason, type LinkState } from '../src/link.ts'
import { Network } from '../src/network.ts'
import { createSeededRandom } from '../src/seeded-random.ts'
import { Trace } from '../src/trace.ts'
import { VirtualClock } from '../src/virtual-clock.ts'

function linked({ lossShare = 0 } = {}) {
  const clock = new VirtualClock()
  const random = createSeededRandom(3)
  const trace = new Trace()
  const network = new Network({ clock, latency: synthesizeLatency(3), random, trace })
  network.lossShare = lossShare
  const link = new Link(network, [network.addHost(), network.addHost()], random)
  const [alice, bob] = link.ends
  return { clock, link, alice, bob, trace }
}

const frame = (byte: number) => ({ lane: 1, kind: 'table' as const, bytes: Uint8Array.of(byte) })

describe('a link', () => {
  it('delivers after half a round trip', async () => {
    const { clock, alice, bob } = linked()
    const arrivals: number[] = []
    bob.onFrame = () => arrivals.push(clock.nowMs)
    alice.send(frame(1))
    await clock.advance(1_000)
    expect(arrivals).toEqual([Math.ceil(alice.rttMs / 2)])
  })

  it('delivers all and in order where messages are lost once, those behind a lost one with it', async () => {
    const { clock, alice, bob } = linked({ lossShare: 0.3 })
    const bytes: number[] = []
    const times: number[] = []
    bob.onFrame = ({ bytes: [byte] }) => {
      bytes.push(byte as number)
      times.push(clock.nowMs)
    }
    for (let byte = 0; byte < 100; byte++) alice.send(frame(byte))
    await clock.advance(2_000)
    expect(bytes).toEqual(Array.from({ length: 100 }, (_, byte) => byte))
    expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThanOrEqual(200)
  })

  it('that is cut is noticed by silence, and given up at last', async () => {
    const { clock, link, alice } = linked()
    const states: [LinkState, LinkEndReason | undefined, number][] = []
    alice.onState = (state, reason) => states.push([state, reason, clock.nowMs])
    link.cut()
    await clock.advance(60_000)
    expect(states.map(([state, reason]) => [state, reason])).toEqual([
      ['reconnecting', undefined],
      ['ended', 'lost'],
    ])
    const [[, , verdictMs] = ['', '', 0], [, , endMs] = ['', '', 0]] = states as [number[], number[]] & typeof states
    expect(verdictMs).toBeGreaterThanOrEqual(DEAD_QUIET_MS - PING_IDLE_MS)
    expect(verdictMs).toBeLessThanOrEqual(DEAD_QUIET_MS)
    expect(endMs).toBe((verdictMs as number) + RECONNECT_TIMEOUT_MS)
  })

  it('that ends with a goodbye is known to have ended when that arrives, after what was sent before', async () => {
    const { clock, alice, bob } = linked()
    const seen: string[] = []
    bob.onFrame = () => seen.push('frame')
    bob.onState = (state, reason) => seen.push(`${state} ${reason}`)
    alice.send(frame(1))
    alice.close('left')
    await clock.advance(1_000)
    expect(seen).toEqual(['frame', 'ended left'])
  })

  it('counts what was handed to it, and hashes what arrived', async () => {
    const { clock, alice, trace } = linked()
    const before = trace.hash
    alice.send(frame(1))
    expect(alice.host.traffic.bytes.table).toBe(1)
    await clock.advance(1_000)
    expect(trace.deliveries).toBe(1)
    expect(trace.hash).not.toBe(before)
  })
})
