import {
  BETTER_MS,
  BETTER_SHARE,
  COMPARED_SAMPLES_MIN,
  DAMPED_FACTOR,
  DAMPED_MS,
  FIRST_PINGS,
  STILL_BETTER_MS,
  STILL_BETTER_SHARE,
  SUSTAINED_MS,
  SUSTAINED_MS_MAX,
} from './limits.ts'

/** A path as the choice sees it. */
export interface Candidate {
  readonly id: number
  readonly isDirect: boolean
  /** The median of the last seconds, or else the smoothed round trip. */
  readonly rttMs: number | undefined
  /** Samples of the last seconds. */
  readonly samples: number
  /** False: it is suspected, draining or on probation. */
  readonly isUsable: boolean
}

/** The choice, and what it needs to remember so that it does not waver. */
export interface Choice {
  readonly id: number | undefined
  /** The direct paths over which the relayed one was chosen by its round trip, not for want of another. */
  readonly over: ReadonlySet<number>
  /** Since when each rival is better without a break. */
  readonly betterSinceMs: ReadonlyMap<number, number>
  /** How long a rival must be better. */
  readonly sustainedMs: number
  /** The last change by round trip, and from where. */
  readonly changed: { readonly atMs: number; readonly fromId: number } | undefined
}

export const NO_CHOICE: Choice = Object.freeze({
  id: undefined,
  over: new Set<number>(),
  betterSinceMs: new Map<number, number>(),
  sustainedMs: SUSTAINED_MS,
  changed: undefined,
})

/** Where to go when the chosen path is gone or failed: usable before others, direct unless a relay is clearly better, then the quicker one. */
export function chooseInNeed(choice: Choice, candidates: readonly Candidate[]): Choice {
  const usable = candidates.filter(({ isUsable }) => isUsable)
  const best = (usable.length > 0 ? usable : candidates).reduce<Candidate | undefined>(
    (one, other) => (one === undefined || isPreferred(other, one) ? other : one),
    undefined,
  )
  return { ...choice, id: best?.id, over: new Set(), betterSinceMs: new Map() }
}

/** Whether another path is worth changing to. `candidates` holds the chosen one. */
export function choosePath(choice: Choice, candidates: readonly Candidate[], nowMs: number): Choice {
  const current = candidates.find(({ id }) => id === choice.id)
  if (!current) return chooseInNeed(choice, candidates)
  const over = new Set([...choice.over].filter((id) => candidates.some((candidate) => candidate.id === id)))
  const betterSinceMs = new Map<number, number>()
  let taken: Candidate | undefined
  for (const rival of candidates) {
    if (rival === current || !rival.isUsable || rival.rttMs === undefined) continue
    const isJoining = rival.isDirect && !current.isDirect && !over.has(rival.id)
    if (isJoining && rival.samples < FIRST_PINGS) continue
    if (isJoining && !isClearlyBetter(current, rival)) {
      return { ...chooseInNeed(choice, [rival]), id: rival.id }
    }
    if (isJoining) over.add(rival.id)
    if (Math.min(rival.samples, current.samples) < COMPARED_SAMPLES_MIN || !isRivalBetter(current, rival)) continue
    const sinceMs = choice.betterSinceMs.get(rival.id) ?? nowMs
    betterSinceMs.set(rival.id, sinceMs)
    if (nowMs - sinceMs >= choice.sustainedMs && (!taken || isPreferred(rival, taken))) taken = rival
  }
  return taken ? changeTo(taken, { choice, current, over, nowMs }) : { ...choice, over, betterSinceMs }
}

function changeTo(
  taken: Candidate,
  { choice, current, over, nowMs }: { choice: Choice; current: Candidate; over: ReadonlySet<number>; nowMs: number },
): Choice {
  const { changed } = choice
  const isRecent = changed !== undefined && nowMs - changed.atMs < DAMPED_MS
  const takesBack = isRecent && changed.fromId === taken.id
  const damped = Math.min(SUSTAINED_MS_MAX, choice.sustainedMs * DAMPED_FACTOR)
  return {
    id: taken.id,
    over: taken.isDirect ? new Set() : current.isDirect ? new Set([current.id]) : over,
    betterSinceMs: new Map(),
    sustainedMs: takesBack ? damped : isRecent ? choice.sustainedMs : SUSTAINED_MS,
    changed: { atMs: nowMs, fromId: current.id },
  }
}

/** Under 0.8 of the other's round trip, and 15 ms better. */
function isClearlyBetter(one: Candidate, other: Candidate): boolean {
  const [oneMs, otherMs] = [one.rttMs ?? Number.POSITIVE_INFINITY, other.rttMs ?? Number.POSITIVE_INFINITY]
  return oneMs < BETTER_SHARE * otherMs && otherMs - oneMs >= BETTER_MS
}

/** A direct path takes back what a relayed one has won, as soon as that is not better by half of what it had to be. */
function isRivalBetter(current: Candidate, rival: Candidate): boolean {
  if (current.isDirect || !rival.isDirect) return isClearlyBetter(rival, current)
  const [currentMs, rivalMs] = [current.rttMs ?? Number.POSITIVE_INFINITY, rival.rttMs as number]
  return currentMs > STILL_BETTER_SHARE * rivalMs || rivalMs - currentMs < STILL_BETTER_MS
}

function isPreferred(one: Candidate, other: Candidate): boolean {
  if (one.isDirect !== other.isDirect) return one.isDirect ? !isClearlyBetter(other, one) : isClearlyBetter(one, other)
  return (one.rttMs ?? Number.POSITIVE_INFINITY) < (other.rttMs ?? Number.POSITIVE_INFINITY)
}
