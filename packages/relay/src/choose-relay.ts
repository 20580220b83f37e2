import type { PeerId } from '@resilient-swarm/contract'

/** A relayed path must beat the direct one by this factor, and by this many ms: a switch costs more than a little gain is worth. */
const BETTER_FACTOR = 0.8
const BETTER_BY_MS = 15

/** A peer that we are connected to. */
export interface RelayNeighbour {
  readonly id: PeerId
  /** As we measured it ourselves. */
  readonly rttMs: number | undefined
  /** Its record says that it relays. */
  readonly serves: boolean
  readonly isDirect: boolean
}

/** One side of a link, as its peer record tells it. */
export interface RecordedLink {
  readonly key: PeerId
  readonly rttMs: number
}

export interface RelayChoiceFacts {
  readonly self: PeerId
  readonly target: PeerId
  readonly neighbours: readonly RelayNeighbour[]
  /** What a peer's record says of its links; undefined without a record. */
  readonly linksOf: (id: PeerId) => readonly RecordedLink[] | undefined
  /** Relays that failed lately. */
  readonly avoid?: ReadonlySet<PeerId>
  readonly max?: number
}

export interface RelayCandidate {
  readonly relay: PeerId
  /** Both legs together; undefined when one of them is not known. */
  readonly predictedRttMs: number | undefined
}

/**
 * Neighbours that may relay to the target, best first: those linked to it by its record or by their own, and, where the target
 * has no record yet, the others last. A prediction takes our own measurement of the first leg and the larger of what both
 * records say about the second, so that nobody attracts circuits by claiming to be near. Pure.
 */
export function chooseRelays(facts: RelayChoiceFacts): readonly RelayCandidate[] {
  const { self, target, neighbours, linksOf, avoid, max = Number.POSITIVE_INFINITY } = facts
  const targetLinks = linksOf(target)
  const ranked: (RelayCandidate & { readonly rank: number })[] = []
  for (const { id, rttMs, serves, isDirect } of neighbours) {
    if (id === self || id === target || !serves || !isDirect || avoid?.has(id)) continue
    const told = [legRtt(targetLinks, id), legRtt(linksOf(id), target)].filter((leg) => leg !== undefined)
    if (told.length === 0 && targetLinks) continue
    const secondLegMs = Math.max(...told)
    const isKnown = isRtt(rttMs) && isRtt(secondLegMs)
    const predictedRttMs = isKnown ? rttMs + secondLegMs : undefined
    ranked.push({ relay: id, predictedRttMs, rank: isKnown ? 0 : told.length > 0 ? 1 : 2 })
  }
  return ranked
    .sort((one, other) => one.rank - other.rank || byPrediction(one, other))
    .slice(0, max)
    .map(({ relay, predictedRttMs }) => ({ relay, predictedRttMs }))
}

/** Whether a circuit is worth dialling beside a direct path: clearly faster, by factor and by milliseconds. Pure. */
export function isWorthTrying(facts: {
  readonly directRttMs: number | undefined
  readonly predictedRttMs: number | undefined
}): boolean {
  const { directRttMs, predictedRttMs } = facts
  if (!isRtt(directRttMs) || !isRtt(predictedRttMs)) return false
  return predictedRttMs < BETTER_FACTOR * directRttMs && directRttMs - predictedRttMs >= BETTER_BY_MS
}

/** NaN when the link is there and its time is not to be believed; undefined without such a link. */
function legRtt(links: readonly RecordedLink[] | undefined, to: PeerId): number | undefined {
  const link = links?.find(({ key }) => key === to)
  if (!link) return undefined
  return isRtt(link.rttMs) ? link.rttMs : Number.NaN
}

function isRtt(rttMs: number | undefined): rttMs is number {
  return rttMs !== undefined && Number.isFinite(rttMs) && rttMs >= 0
}

/** Equal ones by id, so that the same facts give the same order. */
function byPrediction(one: RelayCandidate, other: RelayCandidate): number {
  const difference = (one.predictedRttMs ?? 0) - (other.predictedRttMs ?? 0)
  if (difference !== 0) return difference
  return one.relay < other.relay ? -1 : one.relay > other.relay ? 1 : 0
}
