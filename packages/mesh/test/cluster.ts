import { type Clock, type PeerId, type Random, Scope } from '@resilient-swarm/contract'
import { encodePeerId, type PublicKey, publicKeyOf } from '@resilient-swarm/identity'
import { createSeededRandom, type VirtualClock } from '@resilient-swarm/testkit'
import type { MeshMode } from '../src/choose-links.ts'
import { createLinkGraph } from '../src/link-graph.ts'
import { createMeshKeeper, type MeshKeeper } from '../src/mesh-keeper.ts'

const silent = { debug() {}, info() {}, warn() {} }

export interface ClusterOptions {
  readonly clock: VirtualClock
  readonly seed: number
  readonly peersMax?: number
}

interface Member {
  readonly id: PeerId
  readonly keeper: MeshKeeper
  readonly scope: Scope
  readonly links: Set<PeerId>
  /** Where it stands on a ring of a hundred ms around. */
  readonly place: number
  readonly known: Set<PeerId>
  readonly calling: Set<PeerId>
  mode: MeshMode
}

/** Nodes in memory that run the true keeper: links are sets, calls take some ms, and whoever is dead lets callers wait. */
export function createCluster({ clock, seed, peersMax = 24 }: ClusterOptions) {
  const random = createSeededRandom(seed)
  const members = new Map<PeerId, Member>()
  const mallory = new Set<PeerId>()
  const seen = { calls: 0, released: 0, degreeMax: 0 }
  let made = 0

  function rttMs(one: PeerId, other: PeerId): number {
    if (mallory.has(one) || mallory.has(other)) return 1
    const [a, b] = [members.get(one)?.place ?? 0, members.get(other)?.place ?? 0]
    const apart = Math.abs(a - b)
    return 1 + Math.min(apart, 100 - apart)
  }

  const isFull = ({ id, links }: Member, places: number) => !mallory.has(id) && links.size >= places

  function link(one: Member, other: Member): void {
    one.links.add(other.id)
    other.links.add(one.id)
    for (const { id, links } of [one, other]) if (!mallory.has(id)) seen.degreeMax = Math.max(seen.degreeMax, links.size)
    one.keeper.nudge()
    other.keeper.nudge()
  }

  function unlink(one: Member, other: PeerId): void {
    one.links.delete(other)
    members.get(other)?.links.delete(one.id)
  }

  function call(from: Member, to: PeerId, timeoutMs: number): Promise<void> {
    seen.calls++
    from.calling.add(to)
    return new Promise<void>((resolve, reject) => {
      const target = members.get(to)
      const timer = clock.setTimer(target ? 50 + rttMs(from.id, to) : timeoutMs, () => {
        const present = members.get(to)
        if (!members.has(from.id)) return
        if (from.links.has(to)) resolve()
        else if (!present) clock.setTimer(Math.max(0, timeoutMs - 100), () => reject(new Error('nobody answers')))
        else if (isFull(from, peersMax)) reject(new Error('full'))
        else if (isFull(present, peersMax - present.keeper.reserved) && !present.keeper.makeRoom(from.id))
          reject(new Error('full'))
        else {
          link(from, present)
          resolve()
        }
      })
      from.scope.add(() => timer.cancel())
    }).finally(() => from.calling.delete(to))
  }

  async function release(from: Member, to: PeerId, isForced: boolean): Promise<boolean> {
    const target = members.get(to)
    if (!target) throw new Error('gone')
    if (!isForced && target.keeper.needs(from.id)) return false
    seen.released++
    unlink(from, to)
    target.keeper.released(from.id)
    from.keeper.nudge()
    return true
  }

  function join(): PeerId {
    const id = encodePeerId(random.bytes(32) as PublicKey)
    made++
    const scope = new Scope()
    const known = new Set<PeerId>()
    const links = new Set<PeerId>()
    const own: Random = createSeededRandom(seed * 1_000 + made)
    const graph = createLinkGraph({
      // Mallory tells of links to her own alone: whoever looks for somebody near or helpful finds another of hers.
      linksOf: (one) =>
        [...(mallory.has(one) ? mallory : (members.get(one)?.links ?? []))]
          .slice(0, 64)
          .map((key) => ({ key, rttMs: rttMs(one, key) })),
    })
    const keeper = createMeshKeeper({
      self: id,
      runtime: { clock: clock as Clock, random: own, log: silent },
      scope,
      peersMax,
      callsMax: 8,
      graph,
      isAlive: (one) => known.has(one),
      isRelay: (one) => mallory.has(one) || one.charCodeAt(4) % 2 === 0,
      peers: () =>
        [...links].map((one) => ({
          id: one,
          rttMs: members.has(one) ? rttMs(id, one) : undefined,
          isUp: members.has(one),
          idleMs: Number.POSITIVE_INFINITY,
        })),
      isConnected: (one) => links.has(one),
      isCalling: (one) => member.calling.has(one),
      calling: () => member.calling.size,
      call: (one, { timeoutMs }) => call(member, one, timeoutMs),
      release: (one, { isForced }) => release(member, one, isForced),
    })
    const member: Member = { id, keeper, scope, links, place: random.fraction() * 100, known, calling: new Set(), mode: 'full' }
    const introducer = [...members.values()].find((one) => !isFull(one, peersMax))
    members.set(id, member)
    if (introducer) {
      link(member, introducer)
      meetAll(member)
    }
    return id
  }

  /**
   * One of mallory's: it takes every call, calls everybody all the time, is near to all, relays, says that it needs each link and
   * never lets one go. Its key stands right behind that of `victim` on the ring.
   */
  function joinMallory({ victim }: { readonly victim: PeerId }): PeerId {
    const key = Uint8Array.from(publicKeyOf(victim))
    do key.set(random.bytes(30), 2)
    while (encodePeerId(key as PublicKey) <= victim)
    const id = encodePeerId(key as PublicKey)
    mallory.add(id)
    const scope = new Scope()
    const keeper: MeshKeeper = {
      learn() {},
      forget() {},
      nudge() {},
      needs: () => true,
      released() {},
      lost() {},
      makeRoom: () => false,
      reserved: 0,
      mode: 'partial',
      roleOf: () => undefined,
    }
    const member: Member = { id, keeper, scope, links: new Set(), place: 0, known: new Set(), calling: new Set(), mode: 'full' }
    members.set(id, member)
    meetAll(member)
    const callAll = () => {
      for (const other of members.values())
        if (!mallory.has(other.id) && !member.links.has(other.id) && !member.calling.has(other.id))
          call(member, other.id, 10_000).catch(() => {})
      scope.timer(clock, 1_500 + 1_000 * random.fraction(), callAll)
    }
    callAll()
    return id
  }

  /** Links among the honest: how many each has, and the share of them in the largest component of those alone. */
  function honestPart() {
    const honest = [...members.values()].filter(({ id }) => !mallory.has(id))
    const degrees = honest.map(({ links }) => [...links].filter((id) => members.has(id) && !mallory.has(id)).length)
    return { degrees: degrees.sort((one, other) => one - other), share: largestShare(honest) }
  }

  function largestShare(among: readonly Member[]): number {
    const left = new Set(among.map(({ id }) => id))
    let largest = 0
    while (left.size > 0) {
      const [start] = left
      const queue = [start as PeerId]
      left.delete(start as PeerId)
      let size = 0
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        size++
        for (const next of members.get(id)?.links ?? []) if (left.delete(next)) queue.push(next)
      }
      largest = Math.max(largest, size)
    }
    return largest / among.length
  }

  /** The newcomer has everybody's record at once, and they have its a little later. */
  function meetAll(newcomer: Member): void {
    const others = [...members.values()].filter((other) => other !== newcomer)
    for (const { id } of others) {
      newcomer.known.add(id)
      newcomer.keeper.learn(id)
    }
    clock.setTimer(300, () => {
      for (const other of others) {
        other.known.add(newcomer.id)
        other.keeper.learn(newcomer.id)
      }
    })
  }

  return {
    members,
    seen,
    join,
    joinMallory,
    honestPart,
    /** Gone without a word: its record stays in every table, and its links are missed after a moment. */
    kill(id: PeerId): void {
      const member = members.get(id)
      members.delete(id)
      void member?.scope.close()
      for (const other of members.values()) {
        if (!other.links.has(id)) continue
        other.keeper.nudge()
        clock.setTimer(2_000, () => {
          other.links.delete(id)
          other.keeper.nudge()
        })
      }
    },
    /** Says that it leaves. */
    leave(id: PeerId): void {
      const member = members.get(id)
      members.delete(id)
      void member?.scope.close()
      for (const other of members.values()) {
        other.links.delete(id)
        other.known.delete(id)
        other.keeper.forget(id)
        other.keeper.nudge()
      }
    },
    /** Counts those that changed between full and partial since it was asked last. */
    countModeChanges(): number {
      let changes = 0
      for (const member of members.values()) {
        if (member.mode !== member.keeper.mode) changes++
        member.mode = member.keeper.mode
      }
      return changes
    },
    degrees: () => [...members.values()].map(({ links }) => links.size).sort((one, other) => one - other),
    /** The share of nodes that the largest component has. */
    largestShare: () => largestShare([...members.values()]),
    end: () => Promise.all([...members.values()].map(({ scope }) => scope.close())),
  }
}
