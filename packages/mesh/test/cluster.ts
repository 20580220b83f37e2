import { type Clock, type PeerId, type Random, Scope } from '@resilient-swarm/contract'
import { encodePeerId, type PublicKey } from '@resilient-swarm/identity'
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
  const seen = { calls: 0, released: 0, degreeMax: 0 }
  let made = 0

  function rttMs(one: PeerId, other: PeerId): number {
    const [a, b] = [members.get(one)?.place ?? 0, members.get(other)?.place ?? 0]
    const apart = Math.abs(a - b)
    return 1 + Math.min(apart, 100 - apart)
  }

  function link(one: Member, other: Member): void {
    one.links.add(other.id)
    other.links.add(one.id)
    for (const { links } of [one, other]) seen.degreeMax = Math.max(seen.degreeMax, links.size)
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
        else if (present.links.size >= peersMax - present.keeper.reserved || from.links.size >= peersMax)
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
      linksOf: (one) => [...(members.get(one)?.links ?? [])].map((key) => ({ key, rttMs: rttMs(one, key) })),
    })
    const keeper = createMeshKeeper({
      self: id,
      runtime: { clock: clock as Clock, random: own, log: silent },
      scope,
      peersMax,
      callsMax: 8,
      graph,
      isAlive: (one) => known.has(one),
      isRelay: (one) => one.charCodeAt(4) % 2 === 0,
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
    const introducer = [...members.values()].find(({ links }) => links.size < peersMax)
    members.set(id, member)
    if (introducer) {
      link(member, introducer)
      meetAll(member)
    }
    return id
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
    largestShare(): number {
      const left = new Set(members.keys())
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
      return largest / members.size
    },
    end: () => Promise.all([...members.values()].map(({ scope }) => scope.close())),
  }
}
