import { createNewestMap, type PeerId, type Random } from '@resilient-swarm/contract'
import { meshRetryMs } from './choose-calls.ts'
import {
  DIAL_PAUSE_MS_MAX,
  FAILURES_DOUBLING,
  FAILURES_FREE_MAX,
  FAILURES_REMEMBERED_MAX,
  HEARD_MAX,
  HEARD_MS,
  MESH_RETRY_MS_MIN,
  MESH_STAYED_MS,
  RELEASED_REST_MS,
} from './limits.ts'

interface Experience {
  readonly failures: number
  readonly untilMs: number
}

/** What dials have taught: who did not answer and rests for a while, who was let go, who was heard of just now. Bounded. */
export interface DialMemory {
  failures(id: PeerId): number
  /** Until when this node is left alone; 0 when it never failed. */
  restUntilMs(id: PeerId): number
  mayDial(id: PeerId, nowMs: number): boolean
  failed(id: PeerId, nowMs: number): void
  reached(id: PeerId, nowMs: number): void
  /** The link is gone; one that stood only for a moment counts as a failure. */
  lost(id: PeerId, nowMs: number): void
  /** Both ends let the link go. */
  released(id: PeerId, nowMs: number): void
  /** Everybody is wanted again. */
  forgetReleased(): void
  /** A record of this node came. */
  heard(id: PeerId, nowMs: number): void
  /** Who was heard of in the last minute, the newest first. */
  recent(nowMs: number): PeerId[]
  /** Failures without a success since. */
  readonly failuresInRow: number
  /** How long to wait between two dials, by how many have failed in a row. */
  readonly pauseMs: number
}

export function createDialMemory(random: Random): DialMemory {
  const experiences = createNewestMap<PeerId, Experience>(FAILURES_REMEMBERED_MAX)
  const reachedMs = createNewestMap<PeerId, { readonly atMs: number; readonly failures: number }>(FAILURES_REMEMBERED_MAX)
  const released = createNewestMap<PeerId, number>(FAILURES_REMEMBERED_MAX)
  const heardMs = createNewestMap<PeerId, number>(HEARD_MAX)
  let failuresInRow = 0

  /** From three quarters to five quarters: nodes that lost the same peer do not come back to it together. */
  const jitter = (ms: number) => ms * (0.75 + random.fraction() / 2)

  function rest(id: PeerId, failures: number, nowMs: number): void {
    experiences.set(id, { failures, untilMs: nowMs + jitter(meshRetryMs(failures)) })
  }

  const failures = (id: PeerId) => experiences.get(id)?.failures ?? 0

  return {
    failures,
    restUntilMs: (id) => experiences.get(id)?.untilMs ?? 0,
    mayDial: (id, nowMs) => nowMs >= (experiences.get(id)?.untilMs ?? 0) && nowMs >= (released.get(id) ?? 0),
    failed(id, nowMs) {
      failuresInRow++
      heardMs.delete(id)
      rest(id, failures(id) + 1, nowMs)
    },
    reached(id, nowMs) {
      failuresInRow = 0
      reachedMs.set(id, { atMs: nowMs, failures: failures(id) })
    },
    lost(id, nowMs) {
      const before = reachedMs.get(id)
      reachedMs.delete(id)
      if (!before || nowMs - before.atMs >= MESH_STAYED_MS) experiences.delete(id)
      else rest(id, before.failures + 1, nowMs)
    },
    released(id, nowMs) {
      reachedMs.delete(id)
      released.set(id, nowMs + jitter(RELEASED_REST_MS))
    },
    forgetReleased: () => released.clear(),
    heard: (id, nowMs) => void heardMs.set(id, nowMs),
    recent(nowMs) {
      return [...heardMs]
        .filter(([, atMs]) => nowMs - atMs < HEARD_MS)
        .map(([id]) => id)
        .reverse()
    },
    get failuresInRow() {
      return failuresInRow
    },
    get pauseMs() {
      const beyond = failuresInRow - FAILURES_FREE_MAX
      return beyond <= 0 ? 0 : Math.min(DIAL_PAUSE_MS_MAX, MESH_RETRY_MS_MIN * 2 ** (Math.min(beyond, 1_000) / FAILURES_DOUBLING))
    },
  }
}
