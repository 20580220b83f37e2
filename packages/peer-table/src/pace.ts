import { type Clock, fullBucket, takeToken } from '@resilient-swarm/contract'
import { GATHER_GROWS_ABOVE_RECORDS, GATHER_MS, PACE_INTERVAL_MS, PUSHES_BURST, PUSHES_PER_SECOND } from './limits.ts'

const PUSHES = { perSecond: PUSHES_PER_SECOND, burst: PUSHES_BURST }
/** Until one may be pushed again, at the longest. */
export const PUSH_GATHER_MS = Math.ceil(1000 / PUSHES_PER_SECOND)

/**
 * How one link is used, both ways alike: eager, where a new record goes out whole and at once, or lazy, where only its name does.
 * The eager links of a swarm become a tree by and by, and the lazy ones mend it. (Plumtree: Leitão, Pereira, Rodrigues, 2007.)
 */
export interface Pace {
  readonly isEager: boolean
  /** What the peer asked for. */
  turn(eager: boolean): void
  /** Asks the peer, if that changes anything and we did not ask for something just now. */
  ask(eager: boolean): void
  /** Whether a record may go out this moment; else it goes with those of the next moments. */
  takePush(): boolean
}

export interface PaceOptions {
  readonly clock: Clock
  readonly onTurn: (eager: boolean) => void
  readonly send: (eager: boolean) => void
}

export function createPace({ clock, onTurn, send }: PaceOptions): Pace {
  let eager = true
  let askedMs = Number.NEGATIVE_INFINITY
  let pushes = fullBucket(PUSHES, clock.monotonic())

  function turn(next: boolean): void {
    if (next === eager) return
    eager = next
    onTurn(eager)
  }

  return {
    get isEager() {
      return eager
    },
    turn,
    ask(next) {
      const nowMs = clock.monotonic()
      if (next === eager || nowMs - askedMs < PACE_INTERVAL_MS) return
      askedMs = nowMs
      send(next)
      turn(next)
    },
    takePush() {
      const { allowed, bucket } = takeToken(pushes, PUSHES, clock.monotonic())
      pushes = bucket
      return allowed
    },
  }
}

/**
 * How long names are gathered before they go out over a lazy link: longer in larger swarms, where more comes to be gathered.
 * `fraction` in [0, 1) keeps the two ends of a link apart: who hears a name first does not say it back.
 */
export function gatherMs(records: number, fraction: number): number {
  return GATHER_MS * Math.sqrt(Math.max(1, records / GATHER_GROWS_ABOVE_RECORDS)) * (0.5 + fraction)
}
