import type { PeerId } from 'resilient-swarm'
import { meetThrough } from './measure-relay.ts'
import { type PathProcess, startPathParticipant } from './path-participant.ts'
import { quantile, round } from './statistics.ts'
import { wallMs } from './transfer.ts'

export interface FailoverPlan {
  readonly rounds: number
}

/** The cut comes at another moment of the transfer in each round, so that some find a second circuit standing and some do not. */
const CUT_AFTER_MS_MIN = 200
const CUT_AFTER_MS_MAX = 1_800
/** How long the transfer goes on behind the cut. A longer failover shows all the same: the rest waits for it. */
const WATCH_MS = 2_000

interface Bench {
  readonly alice: PathProcess
  readonly bob: PathProcess
  readonly signals: readonly string[]
}

interface Round {
  readonly network: string
  readonly target: PeerId
  readonly cutAfterMs: number
  /** Cuts the path that is sent on; resolves with the wall clock's ms of that moment. */
  readonly cut: () => Promise<number>
}

/** A transfer whose path is cut: the longest pause between two chunks at the receiving application from there on. */
export async function measureFailover(options: {
  kind: 'killed' | 'muted'
  plan: FailoverPlan
  signalUrl: string
  tell: (line: string) => void
}) {
  const { kind, plan, signalUrl, tell } = options
  const bench: Bench = { alice: startPathParticipant(), bob: startPathParticipant(), signals: [signalUrl] }
  let relays: readonly PathProcess[] = []
  const gapsMs: number[] = []
  try {
    for (let turn = 1; turn <= plan.rounds; turn++) {
      const network = `${kind}-${turn}`
      const cutAfterMs = CUT_AFTER_MS_MIN + ((CUT_AFTER_MS_MAX - CUT_AFTER_MS_MIN) * (turn - 1)) / Math.max(1, plan.rounds - 1)
      const missing = (kind === 'killed' ? 2 : 1) - relays.length
      relays = [...relays, ...Array.from({ length: missing }, startPathParticipant)]
      const { round: begun, left } = await (kind === 'killed' ? meetByCircuit : meetDirectly)(bench, relays, {
        network,
        cutAfterMs,
      })
      const gapMs = await transferAcross(bench, begun)
      tell(`${kind} ${turn}: cut after ${cutAfterMs.toFixed(0)} ms, ${gapMs.toFixed(0)} ms without a chunk, every byte once`)
      gapsMs.push(gapMs)
      relays = left()
      await Promise.all([bench.alice, bench.bob, ...relays].map((one) => one.leave(network)))
    }
  } finally {
    await Promise.all([bench.alice, bench.bob, ...relays].map((one) => one.kill()))
  }
  return { p50: round(quantile(gapsMs, 0.5), 0), p95: round(quantile(gapsMs, 0.95), 0) }
}

interface Begun {
  readonly round: Round
  /** The relays that live on. */
  readonly left: () => readonly PathProcess[]
}

type Meet = (
  bench: Bench,
  relays: readonly PathProcess[],
  plan: { readonly network: string; readonly cutAfterMs: number },
) => Promise<Begun>

/** Nothing goes directly between alice and bob; of two relays the one that is used is killed. */
const meetByCircuit: Meet = async ({ alice, bob, signals }, relays, { network, cutAfterMs }) => {
  const [aliceKey, bobKey, ...keys] = await Promise.all([alice, bob, ...relays].map((one) => one.join(network, signals)))
  const target = bobKey as PeerId
  await meetThrough({ alice, bob, relays: keys, network, keys: { alice: aliceKey as PeerId, bob: target } })
  let killed: PathProcess | undefined
  async function cut(): Promise<number> {
    const { via } = await alice.path(network, target)
    killed = relays[keys.indexOf(via as PeerId)]
    if (!killed) throw new Error('alice does not send through a relay')
    const cutMs = wallMs()
    await killed.crash()
    return cutMs
  }
  return { round: { network, target, cutAfterMs, cut }, left: () => relays.filter((one) => one !== killed) }
}

/** Alice and bob are connected directly, and ruth to both; then nothing goes directly any more, without a word. */
const meetDirectly: Meet = async ({ alice, bob, signals }, relays, { network, cutAfterMs }) => {
  const [aliceKey, bobKey, ...keys] = await Promise.all([alice, bob, ...relays].map((one) => one.join(network, signals)))
  const target = bobKey as PeerId
  for (const relay of keys) await Promise.all([alice.call(network, relay), bob.call(network, relay)])
  await alice.call(network, target)
  await alice.onPath(network, target, 'webrtc')
  async function cut(): Promise<number> {
    const { kind } = await alice.path(network, target)
    if (kind !== 'webrtc') throw new Error(`alice sends by ${kind} before anything was cut`)
    await Promise.all([alice.forbid(network, target), bob.forbid(network, aliceKey as PeerId)])
    return alice.mute(network, target)
  }
  return { round: { network, target, cutAfterMs, cut }, left: () => relays }
}

async function transferAcross({ alice, bob }: Bench, { network, target, cutAfterMs, cut }: Round): Promise<number> {
  await bob.expectAll(network)
  await alice.startSending(network, target)
  await pause(cutAfterMs)
  const before = await alice.path(network, target)
  const cutMs = await cut()
  await pause(WATCH_MS)
  const [sent, received] = await Promise.all([alice.finishSending(network), bob.receivedAll(network)])
  if (received.bytes !== sent.bytes || received.sha256 !== sent.sha256) {
    throw new Error(`in ${network} ${sent.bytes} bytes were sent and ${received.bytes} received, or others`)
  }
  const after = await alice.path(network, target)
  if (after.kind === before.kind && after.via === before.via) throw new Error(`in ${network} the path that was cut is still used`)
  return Math.max(0, ...received.gaps.filter(({ endedMs }) => endedMs > cutMs).map(({ ms }) => ms))
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
