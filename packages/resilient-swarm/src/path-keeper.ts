import { type Clock, createNewestMap, type PeerId, SwarmError, type Timer } from '@resilient-swarm/contract'
import type { SessionPath, SessionPathEvent } from '@resilient-swarm/session'
import {
  FOLLOWER_PATIENCE_MS,
  GONE_CHECK_MS,
  GONE_CHECKS,
  PATH_STOOD_MS,
  PATHS_INTERVAL_MS,
  RELAY_WORTH_MS_MIN,
  RELAYS_REMEMBERED_MAX,
} from './limits.ts'
import type { NetworkChange } from './network-changes.ts'
import { type PathSituation, planPaths, type RelayCandidate, type StandingPath } from './path-plan.ts'
import type { ConnectedPeer } from './peer.ts'

export interface PathKeeperOptions {
  readonly clock: Clock
  readonly peer: ConnectedPeer<unknown>
  readonly isDiallingDirect: () => boolean
  readonly dialDirect: () => Promise<unknown>
  /** Ends the direct dials that are under way, theirs and ours. */
  readonly abandonDirect: () => void
  readonly dialVia: (relay: PeerId) => Promise<SessionPath>
  /** A circuit that this side has dialled, for whichever reason. */
  readonly isOurs: (path: SessionPath) => boolean
  /** Who may relay to the peer, best first, and whether a circuit there promises to beat a direct path of this round trip. */
  readonly relays: (
    directRttMs: number | undefined,
  ) => readonly Pick<RelayCandidate, 'relay' | 'predictedRttMs' | 'isWorthTrying'>[]
  /** Everybody who could know says that the peer is not there any more. */
  readonly isGone: () => Promise<boolean>
}

/** Keeps paths to one connected peer: direct where it can be had, circuits for need, for speed, and as a backup. Ends with the peer's scope. */
export interface PathKeeper {
  /** Something changed: looks again soon, once however often it is told. */
  nudge(): void
  onPath(event: SessionPathEvent): void
  /** The relay of this path announced that it leaves: another path is wanted before that. */
  onLeaving(path: SessionPath): void
  /** Direct dials begin anew without their pauses; with other addresses, so does one that is under way while no path stands. */
  networkChanged(change: NetworkChange): void
}

interface Experience {
  failures: number
  failedMs: number
  retiredMs: number
}

const NEVER_MS = Number.NEGATIVE_INFINITY

export function createPathKeeper(options: PathKeeperOptions): PathKeeper {
  const { clock, peer } = options
  const { session, scope } = peer
  const leaving = new Set<SessionPath>()
  const addedMs = new WeakMap<SessionPath, number>()
  const dialledViaMs = new Map<PeerId, number>()
  const experiences = createNewestMap<PeerId, Experience>(RELAYS_REMEMBERED_MAX)
  let directFailures = 0
  let directFailedMs = NEVER_MS
  /** Counts what made dials under way worthless. */
  let networks = 0
  let urgentSinceMs: number | undefined
  let noDirectSinceMs: number | undefined
  let isCheckingGone = false
  let nudged = false
  let timer: Timer | undefined

  const now = () => clock.monotonic()
  for (const path of session.paths) addedMs.set(path, now())

  function situation(): PathSituation {
    const nowMs = now()
    const paths = session.paths.map(standing)
    const isUrgent = paths.every(({ isSuspected }) => isSuspected)
    if (!isUrgent) letGo(leaving)
    const direct = session.paths.find(({ facts, isSuspected }) => facts.isDirect && !isSuspected)
    urgentSinceMs = isUrgent ? (urgentSinceMs ?? nowMs) : undefined
    noDirectSinceMs = direct ? undefined : (noDirectSinceMs ?? nowMs)
    return {
      leads: peer.leads,
      inUse: peer.isInUse,
      paths,
      // At least one millisecond, for 0 means that all is well.
      urgentMs: urgentSinceMs === undefined ? 0 : Math.max(1, nowMs - urgentSinceMs),
      noDirectMs: noDirectSinceMs === undefined ? 0 : nowMs - noDirectSinceMs,
      isDiallingDirect: options.isDiallingDirect(),
      directFailures,
      directFailedAgoMs: nowMs - directFailedMs,
      diallingVia: new Map([...dialledViaMs].map(([relay, atMs]) => [relay, nowMs - atMs])),
      candidates: mayNeedRelay(direct) ? candidates(direct?.rttMs, nowMs) : [],
    }
  }

  /** What ends soon anyway is let go as soon as something else stands. */
  function letGo(paths: Set<SessionPath>): void {
    for (const path of paths) path.retire()
    paths.clear()
  }

  /** Looking for relays goes through everybody's records, so it is not done for a near peer that nobody uses. */
  function mayNeedRelay(direct: SessionPath | undefined): boolean {
    return direct === undefined || peer.isInUse || (direct.rttMs ?? 0) >= RELAY_WORTH_MS_MIN
  }

  function candidates(directRttMs: number | undefined, nowMs: number): RelayCandidate[] {
    return options.relays(directRttMs).map((choice) => ({ ...choice, ...experience(choice.relay, nowMs) }))
  }

  const ageMs = (path: SessionPath) => now() - (addedMs.get(path) ?? now())

  function standing(path: SessionPath): StandingPath {
    return {
      via: path.facts.via,
      rttMs: path.rttMs,
      isSending: path === session.sendingPath,
      isSuspected: path.isSuspected || leaving.has(path),
      isOurs: options.isOurs(path),
      ageMs: ageMs(path),
    }
  }

  function experience(relay: PeerId, nowMs: number): Omit<RelayCandidate, 'relay' | 'predictedRttMs' | 'isWorthTrying'> {
    const { failures = 0, failedMs = NEVER_MS, retiredMs = NEVER_MS } = experiences.get(relay) ?? {}
    return { failures, failedAgoMs: nowMs - failedMs, restedMs: nowMs - retiredMs }
  }

  function learn(relay: PeerId, change: Partial<Experience>): void {
    experiences.set(relay, { failures: 0, failedMs: NEVER_MS, retiredMs: NEVER_MS, ...experiences.get(relay), ...change })
  }

  function lookAround(): void {
    nudged = false
    if (scope.isClosed) return
    session.setInUse(peer.isInUse)
    const { dialDirect, dialVia, retire } = planPaths(situation())
    if (dialDirect) void direct()
    for (const relay of dialVia) void via(relay)
    for (const { via: relay } of retire) {
      for (const path of session.paths) if (path.facts.via === relay && options.isOurs(path)) path.retire()
      if (relay) learn(relay, { retiredMs: now() })
    }
    if (session.state === 'reconnecting' && !isCheckingGone) void checkGone()
    lookLater()
  }

  /** In need soon, for then the smaller key's patience is short. */
  function lookLater(): void {
    timer?.cancel()
    timer = scope.timer(clock, urgentSinceMs === undefined ? PATHS_INTERVAL_MS : FOLLOWER_PATIENCE_MS, lookAround)
  }

  async function direct(): Promise<void> {
    const network = networks
    try {
      await options.dialDirect()
    } catch {
      if (network === networks) directFailed()
    }
    nudge()
  }

  function directFailed(): void {
    directFailures++
    directFailedMs = now()
  }

  function relayFailed(relay: PeerId): void {
    learn(relay, { failures: (experiences.get(relay)?.failures ?? 0) + 1, failedMs: now() })
  }

  async function via(relay: PeerId): Promise<void> {
    dialledViaMs.set(relay, now())
    try {
      await options.dialVia(relay)
    } catch {
      relayFailed(relay)
    } finally {
      dialledViaMs.delete(relay)
    }
    nudge()
  }

  /** Whether waiting for the peer makes sense; asked as long as no path stands. */
  async function checkGone(): Promise<void> {
    isCheckingGone = true
    for (let inARow = 0; session.state === 'reconnecting' && !scope.isClosed; ) {
      inARow = (await options.isGone()) ? inARow + 1 : 0
      if (inARow >= GONE_CHECKS && session.state === 'reconnecting') session.giveUp(goneError())
      else await new Promise<void>((resolve) => scope.timer(clock, GONE_CHECK_MS, resolve))
    }
    isCheckingGone = false
  }

  /** What a path was worth shows when it ends: one that never stood for long was a failure, whoever dialled it. */
  function lost(path: SessionPath): void {
    const { isDirect, via: relay } = path.facts
    const hasStood = ageMs(path) >= PATH_STOOD_MS
    if (isDirect && hasStood) directFailures = 0
    else if (isDirect) directFailed()
    else if (relay && hasStood) learn(relay, { failures: 0 })
    else if (relay) relayFailed(relay)
  }

  function nudge(): void {
    if (nudged || scope.isClosed) return
    nudged = true
    queueMicrotask(lookAround)
  }

  lookLater()

  return {
    nudge,
    onPath({ kind, path }) {
      if (kind === 'added') addedMs.set(path, now())
      if (kind === 'lost') lost(path)
      nudge()
    },
    onLeaving(path) {
      leaving.add(path)
      void path.closed.then(() => leaving.delete(path))
      nudge()
    },
    networkChanged(change) {
      directFailures = 0
      if (change === 'network' && session.paths.every(({ isSuspected }) => isSuspected)) {
        networks++
        options.abandonDirect()
      }
      nudge()
    },
  }
}

function goneError(): SwarmError<'ERR_PATH_LOST'> {
  return new SwarmError('The last path was lost, and the peer is at no signal server and reached by no neighbour: it is gone.', {
    code: 'ERR_PATH_LOST',
    retryable: true,
  })
}
