import { concatBytes, type PeerId, type Random, utf8 } from '@resilient-swarm/contract'
import { defaultEngine } from '@resilient-swarm/identity/engine'
import type { LinkFacts, LinkRole } from './choose-links.ts'
import { IDLE_LINK_MS, LETTING_GO_MS, WANTED_BY_THEM_MS } from './limits.ts'

const LOT_SECRET_BYTES = 16

/** Somebody we are connected to, as the mesh sees them. */
export interface MeshPeer {
  readonly id: PeerId
  readonly rttMs: number | undefined
  /** A path stands right now. One that is lost may come back, but nobody counts on it. */
  readonly isUp: boolean
  /** How long the application has not used it, in ms: 0 while it does, infinity when it never did. */
  readonly idleMs: number
}

interface LinkState {
  readonly lot: number
  /** How many links we had before it. */
  readonly order: number
  isDrawn: boolean
  role: LinkRole | undefined
  /** Since when nobody here needs it. */
  needlessMs: number | undefined
  wantedByThemUntilMs: number
  lettingGoUntilMs: number
}

/** What the mesh remembers of each link while it stands. */
export interface LinkBook {
  /** Takes note of who is there; returns who is there no longer. */
  update(peers: readonly MeshPeer[]): PeerId[]
  /** Our own chance has chosen this node. */
  draw(id: PeerId): void
  readonly drawnCount: number
  roleOf(id: PeerId): LinkRole | undefined
  /** Those that can be counted on, for the choice. */
  facts(peers: readonly MeshPeer[], told: ToldFacts, nowMs: number): LinkFacts[]
  assign(roles: ReadonlyMap<PeerId, LinkRole>, peers: readonly MeshPeer[], nowMs: number): void
  /** Nothing is kept for a purpose any more, and nothing is needless. */
  forgetRoles(): void
  /** The link that was needless for longest, when that is long enough to ask the other end. */
  needless(peers: readonly MeshPeer[], nowMs: number): PeerId | undefined
  /**
   * The link to give up for somebody else: of those without a purpose that the application does not use, the younger half, the one
   * with the worst lot. The older ones may be what their other ends were linked by before a crowd came.
   */
  leastNeeded(peers: readonly MeshPeer[], nowMs: number): PeerId | undefined
  /** In [0, 1): of each key the same as long as we live, and nobody else's to know. The smaller is the better. */
  lotOf(id: PeerId): number
  keptByThem(id: PeerId, nowMs: number): void
  /** We said that we can do without it. */
  lettingGo(id: PeerId, nowMs: number): void
}

/** What records tell of a node. */
export interface ToldFacts {
  readonly isRelay: (id: PeerId) => boolean
  readonly linkCount: (id: PeerId) => number
}

export function createLinkBook(random: Random): LinkBook {
  const states = new Map<PeerId, LinkState>()
  let made = 0
  const secret = random.bytes(LOT_SECRET_BYTES)

  function lotOf(id: PeerId): number {
    const hash = defaultEngine.sha256(concatBytes(secret, utf8(id)))
    return new DataView(hash.buffer, hash.byteOffset).getUint32(0) / 2 ** 32
  }

  function stateOf(id: PeerId): LinkState {
    let state = states.get(id)
    if (!state) {
      state = {
        lot: lotOf(id),
        order: made++,
        isDrawn: false,
        role: undefined,
        needlessMs: undefined,
        wantedByThemUntilMs: 0,
        lettingGoUntilMs: 0,
      }
      states.set(id, state)
    }
    return state
  }

  return {
    update(peers) {
      const present = new Set(peers.map(({ id }) => id))
      const gone = [...states.keys()].filter((id) => !present.has(id))
      for (const id of gone) states.delete(id)
      for (const id of present) stateOf(id)
      return gone
    },
    draw(id) {
      stateOf(id).isDrawn = true
    },
    get drawnCount() {
      return [...states.values()].filter(({ isDrawn }) => isDrawn).length
    },
    roleOf: (id) => states.get(id)?.role,
    facts: (peers, { isRelay, linkCount }, nowMs) =>
      peers
        .filter(({ id, isUp }) => isUp && stateOf(id).lettingGoUntilMs <= nowMs)
        .map(({ id, rttMs }) => {
          const { lot, isDrawn, role, wantedByThemUntilMs } = stateOf(id)
          const isWantedByThem = wantedByThemUntilMs > nowMs
          return { id, rttMs, isRelay: isRelay(id), linkCount: linkCount(id), isDrawn, isWantedByThem, lot, role }
        }),
    assign(roles, peers, nowMs) {
      for (const { id } of peers) {
        const state = stateOf(id)
        state.role = roles.get(id)
        state.needlessMs = state.role ? undefined : (state.needlessMs ?? nowMs)
      }
    },
    forgetRoles() {
      for (const state of states.values()) {
        state.role = undefined
        state.needlessMs = undefined
      }
    },
    needless(peers, nowMs) {
      let longest: PeerId | undefined
      let longestMs = IDLE_LINK_MS
      for (const { id, isUp, idleMs } of peers) {
        const { needlessMs, wantedByThemUntilMs } = stateOf(id)
        if (!isUp || needlessMs === undefined || wantedByThemUntilMs > nowMs) continue
        const needlessForMs = Math.min(idleMs, nowMs - needlessMs)
        if (needlessForMs < longestMs) continue
        longest = id
        longestMs = needlessForMs
      }
      return longest
    },
    leastNeeded(peers, nowMs) {
      const unneeded = peers.filter(({ id, idleMs }) => {
        const { role, lettingGoUntilMs } = stateOf(id)
        return idleMs > 0 && role === undefined && lettingGoUntilMs <= nowMs
      })
      const idle = unneeded.filter(({ idleMs }) => idleMs >= IDLE_LINK_MS)
      const byAge = (idle.length > 0 ? idle : unneeded).sort((one, other) => stateOf(one.id).order - stateOf(other.id).order)
      const young = byAge.slice(byAge.length >> 1)
      const [worst] = young.sort((one, other) => stateOf(other.id).lot - stateOf(one.id).lot)
      return worst?.id
    },
    lotOf,
    keptByThem(id, nowMs) {
      stateOf(id).wantedByThemUntilMs = nowMs + WANTED_BY_THEM_MS
    },
    lettingGo(id, nowMs) {
      stateOf(id).lettingGoUntilMs = nowMs + LETTING_GO_MS
    },
  }
}
