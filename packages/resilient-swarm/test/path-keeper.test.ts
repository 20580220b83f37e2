import { describe, expect, it } from '@jest/globals'
import { type CloseReason, FINISHED, Scope } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import type { Session, SessionPath } from '@resilient-swarm/session'
import { createTestRuntime } from '@resilient-swarm/testkit'
import { DIRECT_URGENT_RETRY_MS, PATH_STOOD_MS, RELAY_RETRY_MS_MAX, VERIFY_CIRCUIT_MS } from '../src/limits.ts'
import { createPathKeeper, type PathKeeper } from '../src/path-keeper.ts'
import type { ConnectedPeer } from '../src/peer.ts'

const ruth = createKeyPair().peerId
const MINUTE_MS = 60_000

/** Alice's keeper for a peer that takes what she dials and drops it after so long. */
function whoDrops({ direct, circuit }: { direct?: number; circuit?: number }) {
  const { clock } = createTestRuntime()
  const scope = new Scope()
  const paths: SessionPath[] = []
  const seen = { direct: 0, abandoned: 0, circuits: 0, retired: 0 }
  const session = {
    paths,
    get sendingPath() {
      return paths.find(({ facts }) => facts.isDirect) ?? paths[0]
    },
    get state() {
      return paths.length > 0 ? 'connected' : 'reconnecting'
    },
    setInUse() {},
    giveUp() {},
  } as unknown as Session
  const peer = { session, scope, leads: true, isInUse: false } as unknown as ConnectedPeer<unknown>
  const keeper: PathKeeper = createPathKeeper({
    clock,
    peer,
    isDiallingDirect: () => false,
    async dialDirect() {
      seen.direct++
      if (direct === undefined) throw new Error('no way')
      add(undefined, direct)
    },
    abandonDirect: () => void seen.abandoned++,
    async dialVia() {
      seen.circuits++
      if (circuit === undefined) throw new Error('no way')
      return add(ruth, circuit)
    },
    isOurs: () => true,
    relays: () => (circuit === undefined ? [] : [{ relay: ruth, predictedRttMs: 5, isWorthTrying: false }]),
    isGone: async () => false,
  })

  function add(via: typeof ruth | undefined, standsMs: number): SessionPath {
    let resolve: (reason: CloseReason) => void = () => {}
    const closed = new Promise<CloseReason>((resolved) => {
      resolve = resolved
    })
    const lose = () => {
      if (!paths.includes(path)) return
      paths.splice(paths.indexOf(path), 1)
      resolve(FINISHED)
      keeper.onPath({ kind: 'lost', path, told: 'lost' })
    }
    const path: SessionPath = {
      facts: { kind: 'test', isDirect: via === undefined, ...(via ? { via } : {}) },
      rttMs: 5,
      isSuspected: false,
      closed,
      retire() {
        seen.retired++
        lose()
      },
      close: lose,
    }
    paths.push(path)
    keeper.onPath({ kind: 'added', path, told: 'added' })
    clock.setTimer(standsMs, lose)
    return path
  }

  return {
    seen,
    add,
    keeper,
    async pass(ms: number) {
      for (let passedMs = 0; passedMs < ms; passedMs += 50) await clock.advance(50)
    },
    end: () => scope.close(),
  }
}

describe('a peer who takes paths and drops them', () => {
  it('is dialled directly with pauses, not as fast as it drops', async () => {
    const { seen, pass, end } = whoDrops({ direct: 10 })
    await pass(MINUTE_MS)
    expect(seen.direct).toBeGreaterThan(5)
    expect(seen.direct).toBeLessThan(5 + MINUTE_MS / (DIRECT_URGENT_RETRY_MS[3] - 500))
    await end()
  })

  it('is dialled at once when the path had stood', async () => {
    const { seen, pass, end } = whoDrops({ direct: PATH_STOOD_MS })
    await pass(MINUTE_MS)
    expect(seen.direct).toBeGreaterThanOrEqual(6)
    await end()
  })

  it('costs its relay few circuits', async () => {
    const { seen, pass, end } = whoDrops({ circuit: 10 })
    await pass(10 * MINUTE_MS)
    expect(seen.circuits).toBeGreaterThan(5)
    expect(seen.circuits).toBeLessThan(10 + (10 * MINUTE_MS) / RELAY_RETRY_MS_MAX)
    await end()
  })
})

it('a circuit that somebody else of this node dialled is let go too, once a direct path stands', async () => {
  const { seen, add, pass, end } = whoDrops({})
  add(ruth, 10 * MINUTE_MS)
  add(undefined, 10 * MINUTE_MS)
  await pass(VERIFY_CIRCUIT_MS + 1_000)
  expect(seen.retired).toBe(1)
  await end()
})

describe('a change of the network', () => {
  it.each([
    ['network', 1],
    ['visible', 0],
  ] as const)('%s: attempts that are under way while no path stands are given up %d times', async (change, abandoned) => {
    const { seen, keeper, pass, end } = whoDrops({})
    await pass(100)
    keeper.networkChanged(change)
    expect(seen.abandoned).toBe(abandoned)
    await end()
  })

  it('leaves attempts alone while a path stands', async () => {
    const { seen, keeper, add, end } = whoDrops({})
    add(undefined, MINUTE_MS)
    keeper.networkChanged('network')
    expect(seen.abandoned).toBe(0)
    await end()
  })

  it('does not begin without a pause what failed in the new network too', async () => {
    const { seen, keeper, pass, end } = whoDrops({})
    keeper.networkChanged('network')
    await pass(100)
    expect(seen.direct).toBe(1)
    await end()
  })
})
