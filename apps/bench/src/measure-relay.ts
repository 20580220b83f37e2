import type { PeerId } from 'resilient-swarm'
import { type PathProcess, startPathParticipant } from './path-participant.ts'
import { median, round } from './statistics.ts'

export interface RelayPlan {
  readonly rounds: number
  readonly transferBytes: number
  readonly pings: number
}

interface Way {
  /** The network in which alice and bob meet this way. */
  readonly network: string
  readonly kind: 'webrtc' | 'circuit'
}

const DIRECT: Way = { network: 'direct', kind: 'webrtc' }
const RELAYED: Way = { network: 'relayed', kind: 'circuit' }

/** The same two processes in two networks at once: in one they are connected directly, in the other ruth relays and reads nothing. */
export async function measureRelay(options: { plan: RelayPlan; signalUrl: string; tell: (line: string) => void }) {
  const processes = [startPathParticipant(), startPathParticipant(), startPathParticipant()] as const
  try {
    return await compare(processes, options)
  } finally {
    await Promise.all(processes.map((one) => one.kill()))
  }
}

async function compare(
  [alice, bob, ruth]: readonly [PathProcess, PathProcess, PathProcess],
  { plan, signalUrl, tell }: { plan: RelayPlan; signalUrl: string; tell: (line: string) => void },
) {
  const join = (who: PathProcess, { network }: Way): Promise<PeerId> => who.join(network, [signalUrl])
  const [directBob, relayedAlice, relayedBob, relay] = await Promise.all([
    join(bob, DIRECT),
    join(alice, RELAYED),
    join(bob, RELAYED),
    join(ruth, RELAYED),
    join(alice, DIRECT),
  ])
  await alice.call(DIRECT.network, directBob)
  await meetThrough({ alice, bob, relays: [relay], network: RELAYED.network, keys: { alice: relayedAlice, bob: relayedBob } })

  async function measure({ network, kind }: Way, target: PeerId) {
    await bob.expect(network, plan.transferBytes)
    const sent = alice.send(network, target, plan.transferBytes)
    const speed = plan.transferBytes / 1e3 / (await bob.received(network))
    await sent
    const rtt = median(await alice.pings(network, target, plan.pings))
    const path = await alice.path(network, target)
    if (path.kind !== kind) throw new Error(`in ${network} they talk by ${path.kind}`)
    return { speed, rtt }
  }

  const directs: { speed: number; rtt: number }[] = []
  const relayeds: { speed: number; rtt: number }[] = []
  for (let turn = 0; turn < plan.rounds + 1; turn++) {
    const direct = await measure(DIRECT, directBob)
    const relayed = await measure(RELAYED, relayedBob)
    tell(
      `${turn === 0 ? 'warm-up' : turn}: direct ${direct.speed.toFixed(1)} MB/s, ${direct.rtt.toFixed(3)} ms; ` +
        `relayed ${relayed.speed.toFixed(1)} MB/s, ${relayed.rtt.toFixed(3)} ms`,
    )
    if (turn === 0) continue
    directs.push(direct)
    relayeds.push(relayed)
  }
  const pairs = directs.map((direct, index) => ({ direct, relayed: relayeds[index] as (typeof relayeds)[number] }))
  return {
    directMBps: round(median(directs.map(({ speed }) => speed)), 1),
    relayedMBps: round(median(relayeds.map(({ speed }) => speed)), 1),
    relayedOverDirect: round(median(pairs.map(({ direct, relayed }) => relayed.speed / direct.speed))),
    directRttMs: round(median(directs.map(({ rtt }) => rtt)), 3),
    relayedRttMs: round(median(relayeds.map(({ rtt }) => rtt)), 3),
    relayAddedRttMs: round(median(pairs.map(({ direct, relayed }) => relayed.rtt - direct.rtt)), 3),
  }
}

/** Alice and bob, between whom nothing goes directly, meet by a circuit. */
export async function meetThrough(options: {
  alice: PathProcess
  bob: PathProcess
  relays: readonly PeerId[]
  network: string
  keys: { alice: PeerId; bob: PeerId }
}): Promise<void> {
  const { alice, bob, relays, network, keys } = options
  await Promise.all([alice.forbid(network, keys.bob), bob.forbid(network, keys.alice)])
  for (const relay of relays) await Promise.all([alice.call(network, relay), bob.call(network, relay)])
  await alice.call(network, keys.bob)
  await alice.onPath(network, keys.bob, 'circuit')
}
