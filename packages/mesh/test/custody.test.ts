import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { type Custody, createCustodies } from '../src/custody.ts'
import {
  CUSTODIES_MAX,
  CUSTODY_MS,
  FORWARDERS_RATED_MAX,
  FORWARDS_BURST,
  FORWARDS_HELD_PER_NEIGHBOUR_MAX,
} from '../src/limits.ts'
import { createNeighbourBudgets } from '../src/neighbour-budgets.ts'

const from = createKeyPair().peerId

describe('the copies that are remembered', () => {
  const custodyOf = (copy: string, sinceMs: number): Custody => ({
    copy,
    from,
    sinceMs,
    signal: undefined,
    ttl: 1,
    tried: new Set(),
    owing: new Set(),
    isTrying: false,
    proof: undefined,
  })

  it('are forgotten after a while', async () => {
    const { clock } = createTestRuntime()
    const custodies = createCustodies(clock)
    custodies.add(custodyOf('old', clock.monotonic()))
    await clock.advance(CUSTODY_MS - 1)
    expect(custodies.get('old')?.copy).toBe('old')
    await clock.advance(1)
    expect(custodies.get('old')).toBeUndefined()
  })

  it(`are ${CUSTODIES_MAX} at the most, the newest`, () => {
    const custodies = createCustodies(createTestRuntime().clock)
    for (let count = 0; count < CUSTODIES_MAX; count++) custodies.add(custodyOf(`${count}`, 0))
    expect([custodies.size, custodies.get('0')?.copy]).toEqual([CUSTODIES_MAX, '0'])
    custodies.add(custodyOf('one more', 0))
    expect([custodies.size, custodies.get('0'), custodies.get('1')?.copy]).toEqual([CUSTODIES_MAX, undefined, '1'])
  })
})

describe('what a neighbour may make us do', () => {
  it(`is to hold ${FORWARDS_HELD_PER_NEIGHBOUR_MAX} signals, and one more for each that is let go`, () => {
    const budgets = createNeighbourBudgets(createTestRuntime().clock)
    const releases = Array.from({ length: FORWARDS_HELD_PER_NEIGHBOUR_MAX }, () => budgets.hold(from))
    expect(releases.every((release) => release !== undefined)).toBe(true)
    expect(budgets.hold(from)).toBeUndefined()
    releases[0]?.()
    expect(budgets.hold(from)).toBeDefined()
    expect(budgets.hold(from)).toBeUndefined()
  })

  it('stays used up when it leaves and comes back', () => {
    const budgets = createNeighbourBudgets(createTestRuntime().clock)
    const others = Array.from({ length: FORWARDERS_RATED_MAX }, (_, index) => `${index}` as typeof from)
    for (let count = 0; count < FORWARDS_BURST; count++) expect(budgets.takeIn(from)).toBe(true)
    for (const other of others.slice(1)) budgets.takeIn(other)
    expect(budgets.takeIn(from)).toBe(false)
    for (const other of others) budgets.takeIn(other)
    expect(budgets.takeIn(from)).toBe(true) // 256 others later it is a stranger
  })
})
