import { fileURLToPath } from 'node:url'
import type { RelayStatus } from 'resilient-swarm'
import type { Host } from './lab.ts'
import type { JoinFacts, PathFacts } from './node-host.ts'
import type { RoundTrip } from './probe.ts'
import { type Facts, startTalker, type Talker } from './talker.ts'
import type { Received, Sent } from './transfer.ts'

/** One node as the lab sees it: a swarm in a process of its own on a host. */
export interface LabNode {
  readonly name: string
  readonly key: string
  call(key: string): Promise<{ tookMs: number; path: PathFacts }>
  /** Calls, and waits until a byte went there and back. */
  reach(key: string): Promise<{ tookMs: number; path: PathFacts }>
  /** Sends seeded bytes and resolves when all are handed over; the receiver tells the event `received`. */
  send(key: string, transfer: { bytes: number; seed: number; bytesPerSecond?: number }): Promise<Sent>
  /** The next transfer that arrives whole. Rejects at once when one is lost. */
  received(options: { timeoutMs: number }): Promise<Received>
  /** Resolves when so much of the transfer under way has arrived. */
  arrived(bytes: number, options: { timeoutMs: number }): Promise<void>
  probe(key: string, intervalMs: number): Promise<void>
  /** The probe's answers since the last time. */
  roundTrips(key: string): Promise<readonly RoundTrip[]>
  stopProbe(key: string): Promise<void>
  /** How a peer is reached now; undefined for one that is not connected. */
  path(key: string): Promise<PathFacts | undefined>
  why(key: string): Promise<readonly string[]>
  stats(): Promise<{ memory: NodeJS.MemoryUsage; relay: RelayStatus }>
  /** The next event of this name about this peer; a little late for what the node told before. */
  next(event: NodeEvent, key: string, options: { timeoutMs: number }): Promise<Facts>
  /** Everything that the node told so far, oldest first. */
  readonly told: readonly Told[]
  close(): Promise<void>
  /** SIGKILL: nobody is told. */
  kill(): Promise<void>
}

export type NodeEvent = 'peer' | 'peer-left' | 'path' | 'reconnecting' | 'reconnected'

export interface Told {
  readonly event: string
  readonly atMs: number
  readonly facts: Facts
}

const program = fileURLToPath(new URL('./node-host.js', import.meta.url))
const START_TIMEOUT_MS = 15_000
/** Of the newest that a node told. */
const TOLD_MAX = 4_096

/** Starts a node on a host and waits until it is registered. */
export async function startNode(host: Host, facts: JoinFacts): Promise<LabNode> {
  const name = host.name
  const talker = startTalker(host.namespace.inside([process.execPath, program]), name)
  const told: Told[] = []
  talker.on((event, eventFacts) => {
    if (told.push({ event, atMs: Date.now(), facts: eventFacts }) > TOLD_MAX) told.shift()
  })
  await talker.next('ready', { timeoutMs: START_TIMEOUT_MS })
  return createClient({ name, talker, told, key: (await talker.ask('join', facts)) as string })
}

function createClient(node: { name: string; talker: Talker; told: readonly Told[]; key: string }): LabNode {
  const { talker } = node
  const ask = <Value>(name: string, facts: object = {}) => talker.ask(name, facts) as Promise<Value>
  return {
    name: node.name,
    key: node.key,
    told: node.told,
    call: (key) => ask('call', { key }),
    reach: (key) => ask('reach', { key }),
    send: (key, transfer) => ask('send', { key, ...transfer }),
    async received(options) {
      return (await talker.next('received', { ...options, unless: 'receive-failed' })) as unknown as Received
    },
    async arrived(bytes, { timeoutMs }) {
      await talker.next('progress', { timeoutMs, fits: (progress) => Number(progress.bytes) >= bytes })
    },
    probe: (key, intervalMs) => ask('probe', { key, intervalMs }),
    roundTrips: (key) => ask('roundTrips', { key }),
    stopProbe: (key) => ask('stopProbe', { key }),
    async path(key) {
      const peers = await ask<readonly { key: string; path: PathFacts }[]>('paths')
      return peers.find((peer) => peer.key === key)?.path
    },
    why: (key) => ask('why', { key }),
    stats: () => ask('stats'),
    next: (event, key, { timeoutMs }) => talker.next(event, { timeoutMs, fits: (facts) => facts.key === key }),
    async close() {
      await ask('close')
      await talker.kill()
    },
    kill: () => talker.kill(),
  }
}
