// The process of one node, started inside a namespace: makes a swarm, does what the lab asks, tells what happens.
import { type Peer, type PeerPath, type RelayServingOptions, type Substream, Swarm, webrtc } from 'resilient-swarm'
import { errorFacts, obey, tell } from './answering.ts'
import { ECHO_TYPE, echo, type Probe, startProbe } from './probe.ts'
import { receiveTransfer, sendTransfer, TRANSFER_TYPE } from './transfer.ts'

/** What a node is told when it joins: plain data. */
export interface JoinFacts {
  readonly signalUrl: string
  readonly network: string
  readonly stunUrl?: string
  readonly callTimeoutMs?: number
  readonly relay?: Omit<RelayServingOptions, 'allow'>
}

/** How a peer is reached. */
export interface PathFacts {
  readonly kind: string
  /** The relaying peer's key. */
  readonly via?: string
  readonly rttMs?: number
}

let swarm: Swarm | undefined
const probes = new Map<string, Probe>()

obey({
  async join({ signalUrl, network, stunUrl, callTimeoutMs, relay }: JoinFacts) {
    swarm = new Swarm({
      signals: [signalUrl],
      network,
      transports: [webrtc({ iceServers: stunUrl ? [{ urls: stunUrl }] : [] })],
      ...(callTimeoutMs ? { callTimeoutMs } : {}),
      ...(relay ? { relay } : {}),
    })
    listenTo(swarm)
    await swarm.ready
    return swarm.publicKey
  },
  async call({ key }: { key: string }) {
    const startedMs = performance.now()
    const peer = await joined().call(key)
    return { tookMs: performance.now() - startedMs, path: pathFacts(peer.path) }
  },
  /** Calls and waits for the first byte back: what somebody who calls waits for. */
  async reach({ key }: { key: string }) {
    const startedMs = performance.now()
    const peer = await joined().call(key)
    const { readable, writable } = await peer.openStream(ECHO_TYPE)
    const writer = writable.getWriter()
    await writer.write(Uint8Array.of(1))
    await readable.getReader().read()
    await writer.close()
    return { tookMs: performance.now() - startedMs, path: pathFacts(peer.path) }
  },
  async send({ key, ...wanted }: { key: string; bytes: number; seed: number; bytesPerSecond?: number }) {
    return sendTransfer(await peerOf(key).openStream(TRANSFER_TYPE), wanted)
  },
  async probe({ key, intervalMs }: { key: string; intervalMs: number }) {
    probes.get(key)?.stop()
    probes.set(key, startProbe(await peerOf(key).openStream(ECHO_TYPE), intervalMs))
  },
  roundTrips: ({ key }: { key: string }) => probes.get(key)?.take() ?? [],
  stopProbe: ({ key }: { key: string }) => probes.get(key)?.stop(),
  paths: () =>
    joined().peers.map((peer) => ({ key: peer.publicKey, path: pathFacts(peer.path), paths: peer.paths.map(pathFacts) })),
  why: ({ key }: { key: string }) =>
    joined()
      .why(key)
      .map(({ atMs, text }) => `${new Date(atMs).toISOString().slice(17, 23)} ${text}`),
  stats: () => ({ memory: process.memoryUsage(), relay: joined().relay }),
  close: () => joined().close(),
  destroy: () => joined().destroy(),
})
tell('ready')

function listenTo(node: Swarm): void {
  node.on('peer', (peer) => {
    const key = peer.publicKey
    tell('peer', { key, path: pathFacts(peer.path) })
    for (const event of ['path', 'reconnecting', 'reconnected'] as const) {
      peer.on(event, () => tell(event, { key, path: pathFacts(peer.path) }))
    }
  })
  node.on('peer-left', ({ publicKey }, reason, error) => {
    tell('peer-left', { key: publicKey, reason, ...(error ? { code: error.code } : {}) })
  })
  node.on('error', (error) => tell('trouble', errorFacts(error)))
  node.on('stream', (stream, { publicKey }) => {
    if (stream.type === ECHO_TYPE) echo(stream)
    else if (stream.type === TRANSFER_TYPE) void receive(stream, publicKey)
    else stream.reset()
  })
}

async function receive(stream: Substream, key: string): Promise<void> {
  try {
    tell('received', { key, ...(await receiveTransfer(stream, (bytes) => tell('progress', { key, bytes }))) })
  } catch (error) {
    tell('receive-failed', { key, ...errorFacts(error) })
  }
}

function pathFacts({ kind, via, rttMs }: PeerPath): PathFacts {
  return { kind, ...(via ? { via } : {}), ...(rttMs === undefined ? {} : { rttMs }) }
}

function joined(): Swarm {
  if (!swarm) throw new Error('it has not joined yet')
  return swarm
}

function peerOf(key: string): Peer {
  const peer = joined().peers.find(({ publicKey }) => publicKey === key)
  if (!peer) throw new Error(`${key} is not connected`)
  return peer
}
