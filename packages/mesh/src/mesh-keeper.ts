import type { PeerId, Runtime, Scope } from '@resilient-swarm/contract'
import { chooseMode, type LinkRole, type MeshMode } from './choose-links.ts'
import { createDialMemory } from './dial-memory.ts'
import { createFullMesh } from './full-mesh.ts'
import { createKnownRing } from './known-ring.ts'
import {
  FAILURES_FORGOTTEN,
  FAILURES_FREE_MAX,
  IDLE_LINK_MS,
  MAKE_ROOM_MS,
  MESH_INTERVAL_MS,
  MESH_REVIEW_MS,
  SUCCESSORS_TRIED_MAX,
  SWEPT_AT_ONCE,
  URGENT_BELOW_LINKS,
} from './limits.ts'
import { createLinkBook, type MeshPeer } from './link-book.ts'
import type { LinkGraph } from './link-graph.ts'
import { createMeshDialler } from './mesh-dialler.ts'
import { createPartialMesh } from './partial-mesh.ts'

export interface MeshKeeperOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly scope: Scope
  /** The most links, those of others' choice included. */
  readonly peersMax: number
  /** Calls under way at once. */
  readonly callsMax: number
  readonly graph: LinkGraph
  /** A record of theirs stands, and does not say that they left. */
  readonly isAlive: (id: PeerId) => boolean
  readonly isRelay: (id: PeerId) => boolean
  /** Everybody connected, whoever wished for it. */
  readonly peers: () => readonly MeshPeer[]
  readonly isConnected: (id: PeerId) => boolean
  readonly isCalling: (id: PeerId) => boolean
  /** Calls under way, of whoever wishes. */
  readonly calling: () => number
  /** Resolves when the peer is connected; rejects when it was not reached, or has no room. */
  readonly call: (id: PeerId, options: { readonly timeoutMs: number }) => Promise<unknown>
  /** Asks the peer whether it can do without this link and ends it then, or when forced at once: true. False: the peer needs it. */
  readonly release: (id: PeerId, options: { readonly isForced: boolean }) => Promise<boolean>
}

/** Keeps the links of one node: dials, and lets go. Everything it does follows from being told, and from one timer. */
export interface MeshKeeper {
  /** A record of this node came. */
  learn(id: PeerId): void
  /** This node left, or its record is gone. */
  forget(id: PeerId): void
  /** Links came, went or changed: looks around soon, once however often it is told. */
  nudge(): void
  /** A peer asks whether we need its link. After a no it ends it in a moment. */
  needs(id: PeerId): boolean
  /** A peer ended the link because neither end needs it. */
  released(id: PeerId): void
  /** A peer fell silent and did not come back: most likely it is gone, and known again by its next record. */
  lost(id: PeerId): void
  /**
   * A place is wanted though all are taken: ends the link that serves least, whatever its other end says. False: all are needed
   * here, or one was ended just now. Who has a better lot than that link never waits: so the places that are anybody's go to
   * a fair sample of all who ever call, and not to those who call most often.
   */
  makeRoom(caller?: PeerId): boolean
  /** Links that must stay free for our own choice, so that whoever calls us cannot take all. */
  readonly reserved: number
  readonly mode: MeshMode
  /** What a link is kept for in a partial mesh; undefined for one that is not needed. */
  roleOf(id: PeerId): LinkRole | undefined
}

export function createMeshKeeper(options: MeshKeeperOptions): MeshKeeper {
  const { self, runtime, scope, isAlive } = options
  const { clock, random } = runtime
  const ring = createKnownRing()
  const memory = createDialMemory(random)
  const book = createLinkBook(random)
  let mode: MeshMode = 'full'
  let isNudged = false
  let isHungry = false
  let reviewedMs = clock.monotonic()
  let sweptTo = 0
  let madeRoomMs = Number.NEGATIVE_INFINITY
  let timer: { cancel(): void } | undefined

  const dialler = createMeshDialler({
    clock,
    memory,
    callsMax: options.callsMax,
    call: options.call,
    onEnd(id, { isReached, isDrawn }) {
      if (isReached && isDrawn) book.draw(id)
      if (!isReached && isGivenUp(id)) ring.delete(id)
      nudge()
    },
  })
  const parts = { ...options, ring, memory, book, dialler, nudge }
  const full = createFullMesh(parts)
  const partial = createPartialMesh(parts)

  function lookAround(): void {
    isNudged = false
    if (scope.isClosed) return
    const nowMs = clock.monotonic()
    const peers = options.peers()
    for (const id of book.update(peers)) memory.lost(id, nowMs)
    if (nowMs - reviewedMs >= MESH_REVIEW_MS / 2) {
      reviewedMs = nowMs
      sweep()
    }
    setMode()
    isHungry = mode === 'full' ? full.lookAround(nowMs) : partial.lookAround(peers, nowMs)
    lookLater()
  }

  /** While others are reached, who was not reached so often is gone: a newer record makes it known again. */
  function isGivenUp(id: PeerId): boolean {
    return mode === 'partial' && memory.failures(id) >= FAILURES_FORGOTTEN && memory.failuresInRow < FAILURES_FREE_MAX / 4
  }

  function lookLater(): void {
    timer?.cancel()
    const delayMs = isHungry ? MESH_INTERVAL_MS : MESH_REVIEW_MS
    timer = scope.timer(clock, delayMs * (0.75 + random.fraction() / 2), lookAround)
  }

  /** Some of those known, in turn: whose record ended unsaid is known no longer. */
  function sweep(): void {
    for (let count = Math.min(SWEPT_AT_ONCE, ring.size); count > 0; count--) {
      const id = ring.at(sweptTo)
      if (id === undefined) sweptTo = 0
      else if (isAlive(id)) sweptTo++
      else ring.delete(id)
    }
  }

  function setMode(): void {
    const before = mode
    mode = chooseMode(before, ring.size + 1)
    if (mode === before) return
    memory.forgetReleased()
    book.forgetRoles()
  }

  function nudge(): void {
    if (isNudged || scope.isClosed) return
    isNudged = true
    queueMicrotask(lookAround)
  }

  lookLater()

  return {
    learn(id) {
      if (id === self) return
      memory.heard(id, clock.monotonic())
      const isNew = ring.add(id)
      const isSuccessor = () => ring.after(self, SUCCESSORS_TRIED_MAX).includes(id)
      if (isNew ? isHungry || mode === 'full' || isSuccessor() : isHungry && memory.failuresInRow > 0) nudge()
    },
    forget(id) {
      if (ring.delete(id) && chooseMode(mode, ring.size + 1) !== mode) nudge()
    },
    nudge,
    needs(id) {
      const isInUse = options.peers().some((peer) => peer.id === id && peer.idleMs < IDLE_LINK_MS)
      const isNeeded = isInUse || (mode === 'full' ? ring.has(id) : book.roleOf(id) !== undefined)
      if (!isNeeded) book.lettingGo(id, clock.monotonic())
      return isNeeded
    },
    makeRoom(caller) {
      const nowMs = clock.monotonic()
      const id = mode === 'full' ? undefined : book.leastNeeded(options.peers(), nowMs)
      if (id === undefined) return false
      const isLucky = caller !== undefined && book.lotOf(caller) < book.lotOf(id)
      if (!isLucky && nowMs - madeRoomMs < MAKE_ROOM_MS) return false
      if (!isLucky) madeRoomMs = nowMs
      book.lettingGo(id, nowMs)
      memory.released(id, nowMs)
      void options.release(id, { isForced: true }).catch(() => {})
      return true
    },
    released(id) {
      memory.released(id, clock.monotonic())
      nudge()
    },
    lost(id) {
      if (mode === 'partial' && options.peers().length >= URGENT_BELOW_LINKS) ring.delete(id)
      nudge()
    },
    get reserved() {
      return mode === 'full' ? 0 : partial.reserved
    },
    get mode() {
      return mode
    },
    roleOf: (id) => (mode === 'partial' ? book.roleOf(id) : undefined),
  }
}
