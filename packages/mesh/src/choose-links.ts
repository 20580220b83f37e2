import type { PeerId } from '@resilient-swarm/contract'
import {
  CROWDED_ABOVE_LINKS,
  FULL_MESH_NODES_MAX,
  HELPFUL_LINKS,
  NEAR_LINKS,
  NEAR_STICKINESS,
  OWN_LINKS_MIN,
  PARTIAL_ABOVE_NODES,
  RANDOM_LINKS,
  SUCCESSOR_LINKS,
} from './limits.ts'

/** Everybody linked to everybody, or each node to some. */
export type MeshMode = 'full' | 'partial'

/** By how many nodes there are, ourselves counted; in between it stays what it was. */
export function chooseMode(before: MeshMode, nodes: number): MeshMode {
  if (nodes <= FULL_MESH_NODES_MAX) return 'full'
  return nodes > PARTIAL_ABOVE_NODES ? 'partial' : before
}

/** What a link is kept for: a graph that holds together, short ways, ways for others and ourselves, one ring through all. */
export type LinkRole = 'random' | 'near' | 'helpful' | 'successor'

/** A link that stands, as the choice sees it. */
export interface LinkFacts {
  readonly id: PeerId
  /** Measured round trip in ms. */
  readonly rttMs: number | undefined
  readonly isRelay: boolean
  /** How many links its other end tells of. */
  readonly linkCount: number
  /** Our own chance has drawn this node, so nobody else decided that we are linked to it. */
  readonly isDrawn: boolean
  /** The other end said that it needs the link. */
  readonly isWantedByThem: boolean
  /** In [0, 1), drawn once a key: decides between equals. */
  readonly lot: number
  readonly role: LinkRole | undefined
}

/** How many links of its own a node of a partial mesh strives for: half of what it may have at the most, so that others find room. */
export function wantedLinks(peersMax: number): number {
  const whole = RANDOM_LINKS + NEAR_LINKS + HELPFUL_LINKS + SUCCESSOR_LINKS
  return Math.min(whole, Math.max(OWN_LINKS_MIN, Math.floor(peersMax / 2)))
}

/**
 * Which links a partial mesh keeps, and what for; those left out serve nothing of ours. What a link was kept for it is kept for
 * as long as it stands, near ones give way to clearly nearer ones, and others' choices fill all places but those of our own chance.
 */
export function assignRoles(
  links: readonly LinkFacts[],
  { successors, wanted }: { readonly successors: readonly PeerId[]; readonly wanted: number },
): Map<PeerId, LinkRole> {
  const roles = new Map<PeerId, LinkRole>()
  const isCrowded = links.length > CROWDED_ABOVE_LINKS
  const count = (role: LinkRole) => [...roles.values()].filter((taken) => taken === role).length

  /** Gives the role to the best of those without one, until it is held so many times. */
  function fill(role: LinkRole, places: number, candidates: readonly LinkFacts[], score: (link: LinkFacts) => number): void {
    const room = Math.min(places - count(role), wanted - roles.size)
    const free = candidates.filter(({ id }) => !roles.has(id))
    free.sort((one, other) => score(other) - score(one) || one.lot - other.lot)
    for (const { id } of free.slice(0, Math.max(0, room))) roles.set(id, role)
  }

  const successor = successors.find((id) => links.some((link) => link.id === id))
  fill(
    'successor',
    SUCCESSOR_LINKS,
    links.filter(({ id }) => id === successor),
    () => 0,
  )
  fill(
    'random',
    OWN_LINKS_MIN,
    links.filter(({ isDrawn }) => isDrawn),
    (link) => kept(link, 'random'),
  )
  const randomPlaces = count('random') + RANDOM_LINKS - OWN_LINKS_MIN
  const needed = (link: LinkFacts) => Number(isCrowded && link.isWantedByThem)
  // What chance brought stays: whoever says that they need us must not be able to displace it.
  const chance = (link: LinkFacts) => Number(link.isDrawn) * kept(link, 'random')
  const randomness = (link: LinkFacts) => 4 * chance(link) + 3 * needed(link) + 2 * kept(link, 'random') + Number(link.isDrawn)
  const lasting = links.filter((link) => link.role === 'random' || needed(link))
  fill('random', randomPlaces, lasting, randomness)
  const nearness = (link: LinkFacts) => -(link.rttMs ?? UNMEASURED_MS) * (1 - NEAR_STICKINESS * kept(link, 'near'))
  const measured = links.filter(({ rttMs }) => rttMs !== undefined)
  fill('near', NEAR_LINKS, measured, nearness)
  fill('helpful', HELPFUL_LINKS, links, helpfulness)
  fill('random', randomPlaces, links, randomness)
  fill('near', wanted, links, nearness) // where a place of another kind has nobody yet
  return roles
}

const kept = (link: LinkFacts, role: LinkRole) => Number(link.role === role)

/** A relay before others, then the well linked, then the near; who helps already is not dropped for a little more. */
function helpfulness(link: LinkFacts): number {
  const nearness = 1 / (1 + (link.rttMs ?? UNMEASURED_MS) / 100)
  return 4 * Number(link.isRelay) + Math.min(1, link.linkCount / 12) + nearness + kept(link, 'helpful') / 2
}

/** Takes part as a far one would until its first answer. */
const UNMEASURED_MS = 1_000
