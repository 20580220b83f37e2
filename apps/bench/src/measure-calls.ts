import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Swarm } from 'resilient-swarm'
import { median, quantile, round } from './statistics.ts'

interface BarePeer {
  on(event: string, listener: (fact: unknown) => void): void
  signal(signal: unknown): void
  destroy(): void
}

const BARE_TRIES_MAX = 5 // in a row
const WARM_UP_ROUNDS = 5 // PouchDB, the native parts and the compiler are loaded by then

type SimplePeerClass = new (options: object) => BarePeer

/** What simple-peer takes from its polyfill, by node-datachannel, whose descriptions it could not write into. */
const POLYFILL = `
  import { RTCPeerConnection as Native } from 'node-datachannel/polyfill'
  const plain = async (made) => { const { type, sdp } = await made; return { type, sdp } }
  export class RTCPeerConnection extends Native {
    createOffer() { return plain(super.createOffer()) }
    createAnswer() { return plain(super.createAnswer()) }
  }
  export class RTCSessionDescription { constructor({ type, sdp }) { this.type = type; this.sdp = sdp } }
  export class RTCIceCandidate { constructor(candidate) { Object.assign(this, candidate) } }`

/** The published simple-peer as it is, on the WebRTC of this process. */
async function loadSimplePeer(): Promise<SimplePeerClass> {
  const outfile = fileURLToPath(new URL('./bare-simple-peer.js', import.meta.url))
  await build({
    stdin: {
      contents: "export { default } from '@thaunknown/simple-peer/lite.js'",
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['node-datachannel'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    plugins: [
      {
        name: 'polyfill',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^webrtc-polyfill$/ }, ({ path }) => ({ path, namespace: 'polyfill' }))
          onResolve({ filter: /^node-datachannel/ }, ({ path }) => ({ path, external: true }))
          onLoad({ filter: /.*/, namespace: 'polyfill' }, () => ({ contents: POLYFILL, loader: 'js' }))
        },
      },
    ],
  })
  return ((await import(outfile)) as { default: SimplePeerClass }).default
}

/** Connects two bare simple-peers of this process, signals handed over in memory. Resolves with the ms it took. */
async function connectBare(SimplePeer: SimplePeerClass): Promise<number> {
  const startedMs = performance.now()
  const alice = new SimplePeer({ initiator: true, config: { iceServers: [] } })
  const bob = new SimplePeer({ config: { iceServers: [] } })
  try {
    await Promise.all([connected(alice, bob), connected(bob, alice)])
    return performance.now() - startedMs
  } finally {
    alice.destroy()
    bob.destroy()
  }
}

function connected(peer: BarePeer, other: BarePeer): Promise<unknown> {
  return new Promise((resolve, reject) => {
    peer.on('connect', resolve)
    peer.on('error', reject)
    peer.on('signal', (signal) => {
      try {
        other.signal(signal)
      } catch (error) {
        reject(error) // node-datachannel throws at times what simple-peer does not expect
      }
    })
  })
}

/** A bare connect fails now and then; the time of one that did not is what counts. */
async function connectBareAtLast(SimplePeer: SimplePeerClass, tell: (line: string) => void): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return await connectBare(SimplePeer)
    } catch (error) {
      if (tries === BARE_TRIES_MAX) throw error
      tell(`a bare connect failed and is made again: ${String(error)}`)
    }
  }
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
  const SimplePeer = await loadSimplePeer()
  const bares: number[] = []
  const calls: number[] = []
  for (let turn = 1 - WARM_UP_ROUNDS; turn <= options.rounds; turn++) {
    const bare = await connectBareAtLast(SimplePeer, options.tell)
    const call = await connectSwarms([options.signalUrl])
    if (turn < 1) continue
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
