// A swarm of plain functions on a clock of its own: what every neighbour link delays, loses or never answers is the test's to say.
import { type Clock, type PeerId, type Random, type Runtime, SwarmError } from '@resilient-swarm/contract'
import { createKeyPair } from '@resilient-swarm/identity'
import { createSeededRandom } from '@resilient-swarm/testkit'
import { createLinkGraph, type GraphLink } from '../src/link-graph.ts'
import type { Neighbour, TravellingSignal } from '../src/neighbour.ts'
import { encodeWay } from '../src/parse-signal.ts'
import type { SealedBox } from '../src/sealed-box.ts'
import { createSwarmSignals, type SwarmSignals } from '../src/swarm-signals.ts'

/** Key texts that are the same in each run. */
export function createIds(count: number): PeerId[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = new Uint8Array(32)
    new DataView(seed.buffer).setUint32(0, index + 1)
    return createKeyPair({ seed }).peerId
  })
}

export interface EventClock extends Clock {
  /** Fires what falls due until then. */
  runUntil(atMs: number): Promise<void>
}

/** Like testkit's, for a hundred thousand timers: they wait in a heap. */
function createEventClock(): EventClock {
  interface Waiting {
    readonly atMs: number
    readonly order: number
    fire: (() => void) | undefined
  }
  const heap: Waiting[] = []
  let nowMs = 0
  let order = 0
  const isBefore = (one: Waiting, other: Waiting) => one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)

  function push(timer: Waiting): void {
    let index = heap.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(timer, heap[parent] as Waiting)) break
      heap[index] = heap[parent] as Waiting
      index = parent
    }
    heap[index] = timer
  }

  function pop(): Waiting {
    const first = heap[0] as Waiting
    const last = heap.pop() as Waiting
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Waiting, heap[child] as Waiting)) child++
      if (!isBefore(heap[child] as Waiting, last)) break
      heap[index] = heap[child] as Waiting
      index = child
    }
    heap[index] = last
    return first
  }

  return {
    now: () => 1_700_000_000_000 + nowMs,
    monotonic: () => nowMs,
    setTimer(delayMs, fire) {
      const timer: Waiting = { atMs: nowMs + Math.max(0, delayMs), order: order++, fire }
      push(timer)
      return {
        cancel() {
          timer.fire = undefined
        },
      }
    },
    async runUntil(atMs) {
      while (heap.length > 0 && (heap[0] as Waiting).atMs <= atMs) {
        const { fire, atMs: dueMs } = pop()
        if (!fire) continue
        nowMs = dueMs
        fire()
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      nowMs = atMs
    },
  }
}

export interface VirtualNode {
  readonly id: PeerId
  readonly signals: SwarmSignals
  /** Round trips in ms to whom it is connected to. */
  readonly links: Map<PeerId, number>
  readonly received: (SealedBox & { readonly atMs: number })[]
  /** `silent`: connected, so its neighbours believe, but it takes nothing and answers nothing. */
  state: 'alive' | 'silent'
}

export interface Transmission {
  readonly from: PeerId
  readonly to: PeerId
  readonly args: readonly unknown[]
}

export interface VirtualSwarm {
  readonly clock: EventClock
  readonly random: Random
  readonly nodes: ReadonlyMap<PeerId, VirtualNode>
  node(id: PeerId): VirtualNode
  link(one: PeerId, other: PeerId, rttMs: number): void
  unlink(one: PeerId, other: PeerId): void
  /** Every signal that one node handed to another, oldest first. */
  readonly sent: Transmission[]
  /** Takes the place of a node's own answer to `signal`. */
  readonly mallory: Map<PeerId, (from: PeerId, args: readonly unknown[]) => unknown>
  /** What records tell; by default the links as they were when each was made. */
  readonly records: Map<PeerId, GraphLink[]>
  /** As the neighbour of `from` that `to` is. */
  neighbour(from: PeerId, to: PeerId): Neighbour
}

/** The proof of a test's signal: its receiver and its source derive it alike. */
export const proofOf = (id: string) => `${id.slice(16)}${id.slice(0, 16)}`

export function createVirtualSwarm({ ids, seed = 1 }: { readonly ids: readonly PeerId[]; readonly seed?: number }): VirtualSwarm {
  const clock = createEventClock()
  const random = createSeededRandom(seed)
  const runtime: Runtime = { clock, random, log: { debug() {}, info() {}, warn() {} } }
  const nodes = new Map<PeerId, VirtualNode>()
  const records = new Map<PeerId, GraphLink[]>()
  const sent: Transmission[] = []
  const mallory: VirtualSwarm['mallory'] = new Map()
  const after = (delayMs: number) => new Promise<void>((resolve) => clock.setTimer(delayMs, resolve))
  const node = (id: PeerId) => nodes.get(id) as VirtualNode
  const isUp = (from: PeerId, to: PeerId) => node(from).links.has(to) && node(to).state === 'alive'

  async function ask(from: PeerId, to: PeerId, signal: TravellingSignal): Promise<unknown> {
    const args = JSON.parse(JSON.stringify([signal.to, signal.id, signal.box, encodeWay(signal)]))
    sent.push({ from, to, args })
    const halfMs = (node(from).links.get(to) ?? 0) / 2
    await after(halfMs)
    if (!isUp(from, to)) return new Promise(() => {})
    const answer = await answerOf(to, from, args)
    await after(halfMs)
    if (answer instanceof Error) throw answer
    return answer
  }

  async function answerOf(to: PeerId, from: PeerId, args: readonly unknown[]): Promise<unknown> {
    try {
      const lie = mallory.get(to)
      return await (lie ? lie(from, args) : node(to).signals.take(from, args))
    } catch (error) {
      return error instanceof SwarmError ? error : new Error(String(error))
    }
  }

  async function tell(from: PeerId, to: PeerId, copy: string, proof: string | null): Promise<void> {
    await after((node(from).links.get(to) ?? 0) / 2)
    if (isUp(from, to)) node(to).signals.hear(from, copy, proof)
  }

  const neighbour = (from: PeerId, to: PeerId): Neighbour => ({
    id: to,
    rttMs: node(from).links.get(to),
    signal: (signal) => ask(from, to, signal),
    signalled: (copy, proof) => tell(from, to, copy, proof),
  })

  for (const id of ids) {
    const received: VirtualNode['received'] = []
    const links = new Map<PeerId, number>()
    const graph = createLinkGraph({ linksOf: (of) => records.get(of) ?? [] })
    const signals = createSwarmSignals({
      self: id,
      runtime,
      graph,
      neighbours: () => [...links.keys()].map((to) => neighbour(id, to)),
      receive(box) {
        received.push({ ...box, atMs: clock.monotonic() })
        return proofOf(box.id)
      },
    })
    nodes.set(id, { id, signals, links, received, state: 'alive' })
  }

  return {
    clock,
    random,
    nodes,
    node,
    sent,
    mallory,
    records,
    neighbour,
    link(one, other, rttMs) {
      node(one).links.set(other, rttMs)
      node(other).links.set(one, rttMs)
      records.set(one, [...(records.get(one) ?? []), { key: other, rttMs }])
      records.set(other, [...(records.get(other) ?? []), { key: one, rttMs }])
    },
    unlink(one, other) {
      node(one).links.delete(other)
      node(other).links.delete(one)
    },
  }
}

/** Each node gets so many links of 20 to 300 ms to others, by chance. */
export function linkByChance(swarm: VirtualSwarm, ids: readonly PeerId[], linksEach: number): void {
  const ends = ids.flatMap((id) => Array.from({ length: linksEach }, () => id))
  for (let index = ends.length - 1; index > 0; index--) {
    const other = Math.floor(swarm.random.fraction() * (index + 1))
    ;[ends[index], ends[other]] = [ends[other] as PeerId, ends[index] as PeerId]
  }
  for (let index = 0; index + 1 < ends.length; index += 2) {
    const [one, other] = [ends[index] as PeerId, ends[index + 1] as PeerId]
    if (one !== other && !swarm.node(one).links.has(other)) swarm.link(one, other, 20 + swarm.random.fraction() * 280)
  }
}
