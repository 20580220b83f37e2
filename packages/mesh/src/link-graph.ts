import type { PeerId } from '@resilient-swarm/contract'

/** One end of a link as the other end's record tells it. `rttMs` 0: not measured yet. */
export interface GraphLink {
  readonly key: PeerId
  readonly rttMs: number
}

export interface LinkGraphOptions {
  /** Whom a node says it is linked to, by its newest record; for ourselves whom we are linked to right now. Empty for a stranger. */
  readonly linksOf: (id: PeerId) => readonly GraphLink[]
}

/**
 * Who is linked to whom, and how near, as the records tell. It is a view of them and keeps nothing itself: a record that comes
 * or goes changes it at once, and a thousand nodes in one process have one copy of each record. A link counts when
 * either end tells of it; every look-up costs the links of one or two records.
 */
export interface LinkGraph {
  /** Whom this node's record tells of. A neighbour whose record is newer may know of more. */
  neighbours(id: PeerId): readonly GraphLink[]
  isLinked(one: PeerId, other: PeerId): boolean
  /** Round trip of a link in ms, the larger where its ends differ; undefined when there is none, or neither end has measured it. */
  rttMs(one: PeerId, other: PeerId): number | undefined
  /** That of their link, or else by the best node that both are linked to; undefined without any that is measured. */
  predictRttMs(one: PeerId, other: PeerId): number | undefined
}

export function createLinkGraph({ linksOf }: LinkGraphOptions): LinkGraph {
  const find = (one: PeerId, other: PeerId) => linksOf(one).find(({ key }) => key === other)

  function rttMs(one: PeerId, other: PeerId): number | undefined {
    return Math.max(find(one, other)?.rttMs ?? 0, find(other, one)?.rttMs ?? 0) || undefined
  }

  function predictRttMs(one: PeerId, other: PeerId): number | undefined {
    const direct = rttMs(one, other)
    if (direct !== undefined) return direct
    const ours = new Map(linksOf(one).map((link) => [link.key, link.rttMs]))
    let best: number | undefined
    for (const { key, rttMs: secondMs } of linksOf(other)) {
      const firstMs = ours.get(key)
      if (!firstMs || secondMs === 0) continue
      if (best === undefined || firstMs + secondMs < best) best = firstMs + secondMs
    }
    return best
  }

  return {
    neighbours: linksOf,
    isLinked: (one, other) => find(one, other) !== undefined || find(other, one) !== undefined,
    rttMs,
    predictRttMs,
  }
}
