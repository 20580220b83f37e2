import { describe, expect, it } from '@jest/globals'
import { createKeyPair } from '@resilient-swarm/identity'
import {
  CIRCUITS_SOUGHT_MAX,
  DIRECT_DEAD_AFTER_MS,
  DIRECT_RETRY_MS,
  DIRECT_URGENT_RETRY_MS,
  FOLLOWER_DIRECT_PATIENCE_MS,
  FOLLOWER_PATIENCE_MS,
  RELAY_REST_MS,
  RELAY_RETRY_MS_MIN,
  SEEK_RELAY_PATIENCE_MS,
  VERIFY_CIRCUIT_MS,
} from '../src/limits.ts'
import { directRetryMs, type PathSituation, planPaths, type RelayCandidate, type StandingPath } from '../src/path-plan.ts'

const [ruth, rose, rita] = Array.from({ length: 3 }, () => createKeyPair().peerId) as [
  RelayCandidate['relay'],
  RelayCandidate['relay'],
  RelayCandidate['relay'],
]

const strangers = Array.from({ length: CIRCUITS_SOUGHT_MAX }, () => createKeyPair().peerId)

const direct: StandingPath = { via: undefined, rttMs: 50, isSending: true, isSuspected: false, isOurs: true, ageMs: 60_000 }
const circuit = (via: typeof ruth, change: Partial<StandingPath> = {}): StandingPath => ({
  ...direct,
  via,
  isSending: false,
  ...change,
})
const candidate = (relay: typeof ruth, change: Partial<RelayCandidate> = {}): RelayCandidate => ({
  relay,
  predictedRttMs: 60,
  isWorthTrying: false,
  failures: 0,
  failedAgoMs: Number.POSITIVE_INFINITY,
  restedMs: Number.POSITIVE_INFINITY,
  ...change,
})
const allIsWell: PathSituation = {
  leads: true,
  inUse: false,
  paths: [direct],
  urgentMs: 0,
  noDirectMs: 0,
  isDiallingDirect: false,
  directFailures: 0,
  directFailedAgoMs: Number.POSITIVE_INFINITY,
  diallingVia: new Map(),
  candidates: [candidate(ruth), candidate(rose), candidate(rita)],
}
const plan = (change: Partial<PathSituation>) => planPaths({ ...allIsWell, ...change })
const nothing = { dialDirect: false, dialVia: [], retire: [] }
const noPath = { paths: [], urgentMs: 1, noDirectMs: 0 }
const silent = { ...direct, isSuspected: true }

describe('the plan for a direct path', () => {
  it.each([
    ['none while one stands', {}, false],
    ['one when there is nothing', noPath, true],
    ['none beside a dial under way', { ...noPath, isDiallingDirect: true }, false],
    ['one beside a circuit', { paths: [circuit(ruth, { isSending: true })] }, true],
    ['none for the smaller key yet', { ...noPath, leads: false, urgentMs: FOLLOWER_DIRECT_PATIENCE_MS - 1 }, false],
    ['one for the smaller key later', { ...noPath, leads: false, urgentMs: FOLLOWER_DIRECT_PATIENCE_MS }, true],
    ['none beside a silent one at first', { paths: [silent], urgentMs: DIRECT_DEAD_AFTER_MS - 1 }, false],
    ['one beside a silent one later', { paths: [silent], urgentMs: DIRECT_DEAD_AFTER_MS }, true],
    ['none beside a silent one while a circuit works', { paths: [silent, circuit(ruth, { isSending: true })] }, false],
    ['none so soon after a failure', { ...noPath, directFailures: 1, directFailedAgoMs: DIRECT_URGENT_RETRY_MS[0] - 1 }, false],
    ['one after the pause', { ...noPath, directFailures: 1, directFailedAgoMs: DIRECT_URGENT_RETRY_MS[0] }, true],
    [
      'none so soon when a circuit works',
      { paths: [circuit(ruth, { isSending: true })], directFailures: 1, directFailedAgoMs: DIRECT_RETRY_MS[0] - 1 },
      false,
    ],
  ] as const)('%s', (_, change, expected) => {
    expect(plan(change as Partial<PathSituation>).dialDirect).toBe(expected)
  })

  it('pauses 5, 15, 60 s, then 5 min; while nothing stands half a second to four', () => {
    expect([1, 2, 3, 4, 5, 99].map((failures) => directRetryMs(failures, { isUrgent: false }))).toEqual([
      5_000, 15_000, 60_000, 300_000, 300_000, 300_000,
    ])
    expect([1, 2, 3, 4, 99].map((failures) => directRetryMs(failures, { isUrgent: true }))).toEqual([
      500, 1_000, 2_000, 4_000, 4_000,
    ])
  })
})

describe('the plan for circuits', () => {
  it.each([
    ['none when all is well', {}, []],
    ['the best two when nothing stands', noPath, [ruth, rose]],
    ['none for the smaller key yet', { ...noPath, leads: false, urgentMs: FOLLOWER_PATIENCE_MS - 1 }, []],
    ['two for the smaller key later', { ...noPath, leads: false, urgentMs: FOLLOWER_PATIENCE_MS }, [ruth, rose]],
    ['one less for each dial under way', { ...noPath, diallingVia: new Map([[ruth, SEEK_RELAY_PATIENCE_MS - 1]]) }, [rose]],
    ['beside a dial that nobody answers', { ...noPath, diallingVia: new Map([[ruth, SEEK_RELAY_PATIENCE_MS]]) }, [rose, rita]],
    [
      'none when too many are under way, answered or not',
      { ...noPath, diallingVia: new Map(strangers.map((id) => [id, SEEK_RELAY_PATIENCE_MS])) },
      [],
    ],
    ['a backup for a peer in use', { inUse: true }, [ruth]],
    ['none when the backup stands', { inUse: true, paths: [direct, circuit(ruth)] }, []],
    ['a second one when a circuit is all there is', { inUse: true, paths: [circuit(ruth, { isSending: true })] }, [rose]],
    [
      'none when direct is the backup of a faster circuit',
      { inUse: true, paths: [circuit(ruth, { isSending: true }), { ...direct, isSending: false }] },
      [],
    ],
    [
      'two that promise to be faster',
      { candidates: [candidate(ruth, { isWorthTrying: true }), candidate(rose, { isWorthTrying: true }), candidate(rita)] },
      [ruth, rose],
    ],
    ['only those that promise it', { candidates: [candidate(ruth, { isWorthTrying: true }), candidate(rose)] }, [ruth]],
    [
      'none that promised it and was not needed',
      { candidates: [candidate(ruth, { isWorthTrying: true, restedMs: RELAY_REST_MS - 1 })] },
      [],
    ],
    ['one that has rested', { candidates: [candidate(ruth, { isWorthTrying: true, restedMs: RELAY_REST_MS })] }, [ruth]],
    ['one that has not rested, in need', { ...noPath, candidates: [candidate(ruth, { restedMs: 0 })] }, [ruth]],
    [
      'none that has just failed, even in need',
      { ...noPath, candidates: [candidate(ruth, { failures: 1, failedAgoMs: RELAY_RETRY_MS_MIN - 1 })] },
      [],
    ],
    [
      'one that failed a while ago',
      { ...noPath, candidates: [candidate(ruth, { failures: 1, failedAgoMs: RELAY_RETRY_MS_MIN })] },
      [ruth],
    ],
    [
      'another one when the present one is silent',
      { paths: [circuit(ruth, { isSending: true, isSuspected: true })], urgentMs: 1 },
      [rose, rita],
    ],
  ] as const)('%s', (_, change, expected) => {
    expect(plan(change as Partial<PathSituation>).dialVia).toEqual(expected)
  })
})

describe('the plan for letting go', () => {
  const old = { ageMs: VERIFY_CIRCUIT_MS }
  it.each([
    ['nothing when all is well', {}, []],
    ['a circuit that nobody needs', { paths: [direct, circuit(ruth, old)] }, [ruth]],
    ['not before it was measured', { paths: [direct, circuit(ruth, { ageMs: VERIFY_CIRCUIT_MS - 1 })] }, []],
    ['not one that the peer dialled', { paths: [direct, circuit(ruth, { ...old, isOurs: false })] }, []],
    ['not the one that is sent on', { paths: [{ ...direct, isSending: false }, circuit(ruth, { ...old, isSending: true })] }, []],
    [
      'all but the fastest backup',
      { inUse: true, paths: [direct, circuit(ruth, { ...old, rttMs: 90 }), circuit(rose, { ...old, rttMs: 70 })] },
      [ruth],
    ],
    [
      'nothing in need',
      { paths: [{ ...direct, isSuspected: true }, circuit(ruth, { ...old, isSuspected: true })], urgentMs: 1 },
      [],
    ],
  ] as const)('%s', (_, change, expected) => {
    expect(plan(change as Partial<PathSituation>).retire.map(({ via }) => via)).toEqual(expected)
  })
})

it('there is nothing to do when all is well', () => {
  expect(plan({})).toEqual(nothing)
})
