import type { PeerId } from '@resilient-swarm/contract'
import { NEARER_MS_MIN, NEARER_SHARE_MIN, SUGGESTERS_MAX } from './limits.ts'
import type { LinkGraph } from './link-graph.ts'

export interface SuggestOptions {
  readonly graph: LinkGraph
  /** Whom we are linked to, and how near they are. */
  readonly neighbours: readonly { readonly id: PeerId; readonly rttMs: number | undefined }[]
  readonly isRelay: (id: PeerId) => boolean
  /** Neither connected nor being dialled nor resting. */
  readonly mayDial: (id: PeerId) => boolean
}

/** A neighbour of a neighbour, and what it promises. */
export interface Suggestion {
  readonly id: PeerId
  /** By the best common neighbour: the true round trip is mostly shorter. */
  readonly predictedRttMs: number
  readonly isRelay: boolean
}

/** Whom the nearest neighbours are linked to, the nearest first: what is near to near ones is near. Costs some hundred look-ups. */
export function suggestLinks({ graph, neighbours, isRelay, mayDial }: SuggestOptions): Suggestion[] {
  const predictedMs = new Map<PeerId, number>()
  const measured = neighbours.filter((neighbour): neighbour is { id: PeerId; rttMs: number } => neighbour.rttMs !== undefined)
  measured.sort((one, other) => one.rttMs - other.rttMs)
  for (const { id, rttMs } of measured.slice(0, SUGGESTERS_MAX)) {
    for (const link of graph.neighbours(id)) {
      if (link.rttMs === 0) continue
      const viaMs = rttMs + link.rttMs
      if (viaMs < (predictedMs.get(link.key) ?? Number.POSITIVE_INFINITY)) predictedMs.set(link.key, viaMs)
    }
  }
  return [...predictedMs]
    .filter(([id]) => mayDial(id))
    .map(([id, viaMs]) => ({ id, predictedRttMs: viaMs, isRelay: isRelay(id) }))
    .sort((one, other) => one.predictedRttMs - other.predictedRttMs)
}

/** The most helpful of them: the nearest relay, or else the nearest. */
export function chooseHelpful(suggestions: readonly Suggestion[]): Suggestion | undefined {
  return suggestions.find(({ isRelay }) => isRelay) ?? suggestions[0]
}

/** Whether a promise is so much better than what we have that it is worth a connection. */
export function isClearlyNearer(predictedRttMs: number, presentRttMs: number): boolean {
  const gainMs = presentRttMs - predictedRttMs
  return gainMs >= NEARER_MS_MIN && gainMs >= NEARER_SHARE_MIN * presentRttMs
}
