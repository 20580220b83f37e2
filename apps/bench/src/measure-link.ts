import type { Participant } from './participant.ts'
import type { Remote } from './remote.ts'
import { median, quantile, round } from './statistics.ts'

export interface LinkPlan {
  readonly rounds: number
  readonly transferBytes: number
  /** How much the bare channel keeps buffered: what drives this implementation best. */
  readonly rawBufferedBytes: number
  readonly pings: number
  readonly calls: number
  readonly inFlight: number
}

export interface Pair {
  readonly alice: Remote<Participant>
  readonly bob: Remote<Participant>
}

const megabytesPerSecond = (bytes: number, ms: number) => bytes / 1e6 / (ms / 1e3)

/** Connects the pair twice: barely, and as swarms. */
export async function connectPair({ alice, bob }: Pair, signalUrl: string): Promise<void> {
  await alice.rawAccept(await bob.rawAnswer(await alice.rawOffer()))
  await Promise.all([alice.rawOpened(), bob.rawOpened()])
  await alice.join([signalUrl])
  await alice.call(await bob.join([signalUrl]))
}

/** One-way speed, alternating; the ratio is taken within each round. */
export async function measureSpeed({ alice, bob }: Pair, plan: LinkPlan, tell: (line: string) => void) {
  const raws: number[] = []
  const streams: number[] = []
  for (let turn = 0; turn < plan.rounds + 1; turn++) {
    await bob.rawExpect(plan.transferBytes)
    await alice.rawSend(plan.transferBytes, plan.rawBufferedBytes)
    const raw = megabytesPerSecond(plan.transferBytes, await bob.rawReceived())
    await bob.expectStream()
    const sent = alice.send(plan.transferBytes)
    const stream = megabytesPerSecond(plan.transferBytes, await bob.receive(plan.transferBytes))
    await sent
    tell(`speed ${turn === 0 ? 'warm-up' : turn}: bare ${raw.toFixed(1)} MB/s, substream ${stream.toFixed(1)} MB/s`)
    if (turn === 0) continue
    raws.push(raw)
    streams.push(stream)
  }
  return {
    rawMBps: round(median(raws), 1),
    substreamMBps: round(median(streams), 1),
    substreamOverRaw: round(median(streams.map((stream, index) => stream / (raws[index] as number)))),
  }
}

/** Round trips and calls a second, alternating. */
export async function measureRoundTrips({ alice, bob }: Pair, plan: LinkPlan, tell: (line: string) => void) {
  const raws: number[] = []
  const rpcs: number[] = []
  const rates: number[] = []
  await bob.rawEcho()
  for (let turn = 0; turn < plan.rounds + 1; turn++) {
    const raw = median(await alice.rawPingPong(plan.pings))
    const rpc = median(await alice.pings(plan.pings))
    const rate = await alice.pingRate(plan.calls, plan.inFlight)
    tell(
      `round trip ${turn === 0 ? 'warm-up' : turn}: bare ${raw.toFixed(3)} ms, rpc ${rpc.toFixed(3)} ms, ${rate.toFixed(0)} calls/s`,
    )
    if (turn === 0) continue
    raws.push(raw)
    rpcs.push(rpc)
    rates.push(rate)
  }
  return {
    rawRttMs: round(median(raws), 3),
    rpcRttMs: round(median(rpcs), 3),
    rpcOverRawRtt: round(median(rpcs.map((rpc, index) => rpc / (raws[index] as number)))),
    rpcPerSecond: Math.round(median(rates)),
  }
}

/** A ping beside a transfer at full speed, and alone. */
export async function measurePingUnderLoad({ alice, bob }: Pair, plan: LinkPlan, tell: (line: string) => void) {
  const idle = quantile(await alice.pings(plan.pings), 0.95)
  await bob.expectStream()
  await alice.startLoad()
  await bob.drainLoad()
  const loaded = quantile(await alice.pings(plan.pings), 0.95)
  await alice.stopLoad()
  tell(`ping p95: idle ${idle.toFixed(2)} ms, under load ${loaded.toFixed(2)} ms`)
  return { pingIdleMs: round(idle), pingUnderLoadMs: round(loaded) }
}
