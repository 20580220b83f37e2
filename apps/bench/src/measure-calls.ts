import { RTCPeerConnection } from 'node-datachannel/polyfill'
import { Swarm } from 'resilient-swarm'
import { median, quantile, round } from './statistics.ts'

interface BarePeer {
  on(event: string, listener: (fact: unknown) => void): void
  signal(signal: unknown): void
  destroy(): void
}

// The very simple-peer that the transport stands on, with its own options: what its author's README does.
const { default: SimplePeer } = (await import(
  new URL('../../../packages/webrtc/dist/vendor/simple-peer.js', import.meta.url).href
)) as { default: new (options: object) => BarePeer }

/** Connects two bare simple-peers of this process, signals handed over in memory. Resolves with the ms it took. */
async function connectBare(): Promise<number> {
  const startedMs = performance.now()
  const alice = new SimplePeer({ initiator: true, config: { connection: new RTCPeerConnection({ iceServers: [] }) } })
  const bob = new SimplePeer({ config: { connection: new RTCPeerConnection({ iceServers: [] }) } })
  alice.on('signal', (signal) => bob.signal(signal))
  bob.on('signal', (signal) => alice.signal(signal))
  await Promise.all(
    [alice, bob].map(
      (peer) =>
        new Promise((resolve, reject) => {
          peer.on('connect', resolve)
          peer.on('error', reject)
        }),
    ),
  )
  const tookMs = performance.now() - startedMs
  alice.destroy()
  bob.destroy()
  return tookMs
}

/** From `call()` until both sides have the event `peer`, for two nodes that are registered. */
async function connectSwarms(signals: readonly string[]): Promise<number> {
  const alice = new Swarm({ signals })
  const bob = new Swarm({ signals })
  try {
    await Promise.all([alice.ready, bob.ready])
    const both = [alice, bob].map((swarm) => new Promise<void>((resolve) => void swarm.once('peer', () => resolve())))
    const startedMs = performance.now()
    void alice.call(bob.publicKey)
    await Promise.all(both)
    return performance.now() - startedMs
  } finally {
    await Promise.all([alice.close(), bob.close()])
  }
}

export async function measureCalls(options: { signalUrl: string; rounds: number; tell: (line: string) => void }) {
  const bares: number[] = []
  const calls: number[] = []
  for (let turn = 0; turn < options.rounds + 1; turn++) {
    const bare = await connectBare()
    const call = await connectSwarms([options.signalUrl])
    if (turn === 0) continue
    bares.push(bare)
    calls.push(call)
    if (turn % 10 === 0)
      options.tell(`connects ${turn}: bare ${median(bares).toFixed(1)} ms, call ${median(calls).toFixed(1)} ms (medians)`)
  }
  return {
    rawConnectMs: round(median(bares)),
    rawConnectP95Ms: round(quantile(bares, 0.95)),
    callMs: round(median(calls)),
    callP95Ms: round(quantile(calls, 0.95)),
    callsOver500Ms: calls.filter((ms) => ms > 500).length,
    callOverRawConnect: round(median(calls) / median(bares)),
    callP95OverMedian: round(quantile(calls, 0.95) / median(calls)),
  }
}
