import type { PeerId, Runtime } from '@resilient-swarm/contract'
import { assignRoles, type LinkFacts, type LinkRole, wantedLinks } from './choose-links.ts'
import type { DialMemory } from './dial-memory.ts'
import type { KnownRing } from './known-ring.ts'
import {
  DIALS_AT_ONCE_MAX,
  DRAWS_MAX,
  MESH_IMPROVE_MS,
  NEAR_LINKS,
  OWN_LINKS_MIN,
  RANDOM_LINKS,
  RESERVED_SHARE,
  SUCCESSORS_TRIED_MAX,
  URGENT_BELOW_LINKS,
} from './limits.ts'
import type { LinkBook, MeshPeer } from './link-book.ts'
import type { LinkGraph } from './link-graph.ts'
import type { MeshDialler } from './mesh-dialler.ts'
import { chooseHelpful, isClearlyNearer, type Suggestion, suggestLinks } from './suggest-links.ts'

export interface PartialMeshOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly peersMax: number
  readonly ring: KnownRing
  readonly memory: DialMemory
  readonly book: LinkBook
  readonly dialler: MeshDialler
  readonly graph: LinkGraph
  readonly isAlive: (id: PeerId) => boolean
  readonly isRelay: (id: PeerId) => boolean
  readonly isConnected: (id: PeerId) => boolean
  readonly isCalling: (id: PeerId) => boolean
  readonly calling: () => number
  readonly release: (id: PeerId, options: { readonly isForced: boolean }) => Promise<boolean>
}

interface Situation {
  readonly successors: readonly PeerId[]
  readonly facts: readonly LinkFacts[]
  readonly roles: ReadonlyMap<PeerId, LinkRole>
  readonly missing: number
  readonly nowMs: number
}

interface Dial {
  readonly id: PeerId
  /** By our own chance. */
  readonly isDrawn: boolean
}

/** Each node with some: keeps enough links of each kind, and lets those go that neither end needs. */
export interface PartialMesh {
  /** True while links are missing, or waiting to be let go. */
  lookAround(peers: readonly MeshPeer[], nowMs: number): boolean
  /** Links of our own chance that are still missing: room that others must leave. */
  readonly reserved: number
}

export function createPartialMesh(options: PartialMeshOptions): PartialMesh {
  const { self, runtime, peersMax, ring, memory, book, dialler, graph, isAlive, isRelay, isConnected } = options
  const wanted = wantedLinks(peersMax)
  const told = { isRelay, linkCount: (id: PeerId) => graph.neighbours(id).length }
  let isReleasing = false
  let improvedMs = runtime.clock.monotonic()

  function mayDial(id: PeerId, nowMs: number): boolean {
    if (id === self || isConnected(id) || options.isCalling(id) || dialler.isDialling(id)) return false
    return memory.mayDial(id, nowMs) && isAlive(id)
  }

  function lookAround(peers: readonly MeshPeer[], nowMs: number): boolean {
    const successors = ring.after(self, SUCCESSORS_TRIED_MAX)
    const facts = book.facts(peers, told, nowMs)
    const roles = assignRoles(facts, { successors, wanted })
    book.assign(roles, peers, nowMs)
    const room = Math.min(peersMax - peers.length - options.calling(), dialler.room())
    const missing = Math.max(wanted - roles.size, OWN_LINKS_MIN - book.drawnCount) - dialler.size
    const isLettingGo = letGo(peers, nowMs)
    if (room > 0) {
      const isUrgent = facts.length < URGENT_BELOW_LINKS
      for (const { id, isDrawn } of chooseDials({ successors, facts, roles, missing, nowMs }).slice(0, room)) {
        dialler.dial(id, { isUrgent, isDrawn })
      }
    }
    return missing > 0 || isLettingGo
  }

  function chooseDials({ successors, facts, roles, missing, nowMs }: Situation): Dial[] {
    const chosen = new Map<PeerId, Dial>()
    const may = (id: PeerId) => !chosen.has(id) && mayDial(id, nowMs)
    const add = (id: PeerId | undefined, isDrawn = false) => id !== undefined && chosen.set(id, { id, isDrawn })

    const successor = successors.find((id) => isConnected(id) || may(id))
    if (successor !== undefined && !isConnected(successor)) add(successor)
    const isTimeToImprove = nowMs - improvedMs >= MESH_IMPROVE_MS
    if (missing <= 0 && !isTimeToImprove) return [...chosen.values()]

    const suggestions = suggestLinks({ graph, neighbours: facts, isRelay, mayDial: may })
    const suggest = (choose: (left: readonly Suggestion[]) => Suggestion | undefined) =>
      choose(suggestions.filter(({ id }) => !chosen.has(id)))?.id
    if (missing <= 0) {
      improvedMs = nowMs
      add(suggest(([nearest]) => (nearest && isWorthIt(nearest, facts, roles) ? nearest : undefined)))
      return [...chosen.values()]
    }
    const held = [...roles.values()].filter((role) => role === 'random').length
    const draws = Math.max(RANDOM_LINKS - held, OWN_LINKS_MIN - book.drawnCount) - dialler.drawnCount
    for (let index = 0; index < Math.min(missing, DIALS_AT_ONCE_MAX); index++) {
      const suggested =
        index < draws || memory.failuresInRow > 0 ? undefined : suggest(index % 2 === 0 ? ([first]) => first : chooseHelpful)
      if (suggested !== undefined) add(suggested)
      else {
        const heard = index % 2 === 0 && memory.failuresInRow >= DIALS_AT_ONCE_MAX ? memory.recent(nowMs).find(may) : undefined
        if (heard === undefined) add(draw(may), true)
        else add(heard)
      }
    }
    return [...chosen.values()]
  }

  /** A node by our own chance; one that is linked to us already becomes our own choice. */
  function draw(may: (id: PeerId) => boolean): PeerId | undefined {
    for (let drawn = 0; drawn < DRAWS_MAX && ring.size > 0; drawn++) {
      const id = ring.at(Math.floor(runtime.random.fraction() * ring.size)) as PeerId
      if (isConnected(id)) {
        if (book.drawnCount < OWN_LINKS_MIN) book.draw(id)
      } else if (!isAlive(id)) ring.delete(id)
      else if (may(id)) return id
    }
    return undefined
  }

  /** One at a time. True while there are more, or may be. */
  function letGo(peers: readonly MeshPeer[], nowMs: number): boolean {
    if (isReleasing) return true
    const id = book.needless(peers, nowMs)
    if (id === undefined) return false
    isReleasing = true
    options
      .release(id, { isForced: false })
      .then(
        (isReleased) => {
          const endedMs = runtime.clock.monotonic()
          if (isReleased) memory.released(id, endedMs)
          else book.keptByThem(id, endedMs)
        },
        () => book.keptByThem(id, runtime.clock.monotonic()),
      )
      .finally(() => {
        isReleasing = false
      })
    return true
  }

  return {
    lookAround,
    get reserved() {
      return Math.min(Math.max(0, OWN_LINKS_MIN - book.drawnCount), Math.floor(peersMax / RESERVED_SHARE))
    },
  }
}

/** Whether it promises to be clearly nearer than the farthest of the near links, all of which are measured. */
function isWorthIt({ predictedRttMs }: Suggestion, facts: readonly LinkFacts[], roles: ReadonlyMap<PeerId, LinkRole>): boolean {
  const near = facts.filter(({ id }) => roles.get(id) === 'near').map(({ rttMs }) => rttMs)
  const measured = near.filter((rttMs) => rttMs !== undefined)
  return near.length === NEAR_LINKS && measured.length === NEAR_LINKS && isClearlyNearer(predictedRttMs, Math.max(...measured))
}
