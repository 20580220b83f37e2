import type { PeerId } from '@resilient-swarm/contract'
import {
  CIRCUITS_SOUGHT_MAX,
  CIRCUITS_TRIED_AT_ONCE_MAX,
  DIRECT_DEAD_AFTER_MS,
  DIRECT_RETRY_MS,
  DIRECT_URGENT_RETRY_MS,
  FOLLOWER_DIRECT_PATIENCE_MS,
  FOLLOWER_PATIENCE_MS,
  RELAY_REST_MS,
  RELAY_RETRY_MS_MAX,
  RELAY_RETRY_MS_MIN,
  SEEK_RELAY_PATIENCE_MS,
  VERIFY_CIRCUIT_MS,
} from './limits.ts'

/** A path that stands, as the plan sees it. */
export interface StandingPath {
  readonly via: PeerId | undefined
  readonly rttMs: number | undefined
  readonly isSending: boolean
  readonly isSuspected: boolean
  /** We dialled it, so it is ours to retire. */
  readonly isOurs: boolean
  readonly ageMs: number
}

/** A peer that may relay, and how it went with it so far. */
export interface RelayCandidate {
  readonly relay: PeerId
  readonly predictedRttMs: number | undefined
  /** Its two legs together promise to be clearly faster than the direct path. */
  readonly isWorthTrying: boolean
  readonly failures: number
  readonly failedAgoMs: number
  /** Since it was tried and found not to be needed. */
  readonly restedMs: number
}

export interface PathSituation {
  /** Of two peers the one with the larger key dials first. */
  readonly leads: boolean
  readonly inUse: boolean
  readonly paths: readonly StandingPath[]
  /** How long there has been no path that is not suspected; 0 while there is one. */
  readonly urgentMs: number
  /** How long there has been no direct path. */
  readonly noDirectMs: number
  readonly isDiallingDirect: boolean
  /** Direct dials in a row without success, and how long ago the last one ended. */
  readonly directFailures: number
  readonly directFailedAgoMs: number
  /** Circuits under way, and for how many ms. */
  readonly diallingVia: ReadonlyMap<PeerId, number>
  /** Best first. */
  readonly candidates: readonly RelayCandidate[]
}

/** What to do about the paths to one peer now. */
export interface PathPlan {
  readonly dialDirect: boolean
  readonly dialVia: readonly PeerId[]
  readonly retire: readonly StandingPath[]
}

/** Pure: which paths to make and which to let go. The session chooses among those that stand; this sees to it that there are any. */
export function planPaths(situation: PathSituation): PathPlan {
  return { dialDirect: wantsDirect(situation), dialVia: chooseCircuits(situation), retire: chooseRetired(situation) }
}

function wantsDirect(situation: PathSituation): boolean {
  const { leads, paths, urgentMs, noDirectMs, isDiallingDirect, directFailures, directFailedAgoMs } = situation
  if (isDiallingDirect) return false
  const direct = paths.filter(({ via }) => via === undefined)
  if (direct.some(({ isSuspected }) => !isSuspected)) return false
  // A silent direct path may come back; only when there is nothing else is another one worth its price.
  if (direct.length > 0 && urgentMs < DIRECT_DEAD_AFTER_MS) return false
  if (!leads && Math.max(urgentMs, noDirectMs) < FOLLOWER_DIRECT_PATIENCE_MS) return false
  return directFailures === 0 || directFailedAgoMs >= directRetryMs(directFailures, { isUrgent: urgentMs > 0 })
}

/** The pause after so many direct dials without success. */
export function directRetryMs(failures: number, { isUrgent }: { isUrgent: boolean }): number {
  const steps = isUrgent ? DIRECT_URGENT_RETRY_MS : DIRECT_RETRY_MS
  return steps[Math.min(failures, steps.length) - 1] ?? 0
}

function chooseCircuits(situation: PathSituation): PeerId[] {
  const { leads, paths, urgentMs, diallingVia, candidates } = situation
  const isUrgent = urgentMs > 0
  if (!leads && urgentMs < FOLLOWER_PATIENCE_MS) return []
  const healthy = paths.filter(({ via, isSuspected }) => via !== undefined && !isSuspected)
  const hopeful = [...diallingVia.values()].filter((sinceMs) => sinceMs < SEEK_RELAY_PATIENCE_MS)
  const wanted = circuitsWanted(situation) - healthy.length - hopeful.length
  const room = Math.min(wanted, CIRCUITS_SOUGHT_MAX - diallingVia.size)
  if (room <= 0) return []
  const used = new Set(paths.map(({ via }) => via))
  return candidates
    .filter(({ relay }) => !used.has(relay) && !diallingVia.has(relay))
    .filter((candidate) => isReady(candidate, { isUrgent }))
    .filter(({ isWorthTrying }) => isUrgent || isWorthTrying || wantsBackup(situation) || !hasDirect(situation))
    .slice(0, room)
    .map(({ relay }) => relay)
}

function circuitsWanted(situation: PathSituation): number {
  const { urgentMs, candidates, paths } = situation
  if (urgentMs > 0) return CIRCUITS_TRIED_AT_ONCE_MAX
  const needed = hasDirect(situation) ? 0 : 1
  const backup = wantsBackup(situation) ? 1 : 0
  const isPromising =
    hasDirect(situation) && candidates.some(({ isWorthTrying, restedMs }) => isWorthTrying && restedMs >= RELAY_REST_MS)
  const onCircuit = paths.some(({ via, isSending }) => via !== undefined && isSending)
  return isPromising && !onCircuit ? CIRCUITS_TRIED_AT_ONCE_MAX : needed + backup
}

function hasDirect({ paths }: PathSituation): boolean {
  return paths.some(({ via, isSuspected }) => via === undefined && !isSuspected)
}

/** Whoever uses the peer wants a path to fall back on at once: a circuit, unless a circuit is what is sent on and direct stands too. */
function wantsBackup({ inUse, paths }: PathSituation): boolean {
  return inUse && !paths.some(({ via, isSending, isSuspected }) => via === undefined && !isSending && !isSuspected)
}

function isReady({ failures, failedAgoMs, restedMs }: RelayCandidate, { isUrgent }: { isUrgent: boolean }): boolean {
  if (!isUrgent && restedMs < RELAY_REST_MS) return false
  const waitMs = failures === 0 ? 0 : Math.min(RELAY_RETRY_MS_MIN * 2 ** (failures - 1), RELAY_RETRY_MS_MAX)
  return failedAgoMs >= waitMs
}

/** Circuits that were measured and are not needed: each end lets go of those it dialled, slowest first. */
function chooseRetired(situation: PathSituation): StandingPath[] {
  if (situation.urgentMs > 0) return []
  const spare = situation.paths
    .filter(({ via, isSending }) => via !== undefined && !isSending)
    .sort((one, other) => (one.rttMs ?? Number.POSITIVE_INFINITY) - (other.rttMs ?? Number.POSITIVE_INFINITY))
  const kept = wantsBackup(situation) ? 1 : 0
  return spare.slice(kept).filter(({ isOurs, ageMs }) => isOurs && ageMs >= VERIFY_CIRCUIT_MS)
}
