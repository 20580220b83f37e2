import { encodeHex, type PeerId, type Runtime, Scope, SwarmError } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import {
  createLinkGraph,
  createLinksTeller,
  createMeshKeeper,
  createSwarmSignals,
  isLarger,
  type MeshKeeper,
  type SwarmSignals,
} from '@resilient-swarm/mesh'
import type { PeerRecord, PeerTable } from '@resilient-swarm/peer-table'
import { createSimulatedTable, type RecordProof } from '@resilient-swarm/peer-table/simulation'
import { createDialling, type Dialling } from './dialling.ts'
import { documentOfEarlierLife } from './earlier-life.ts'
import { checkWhetherGone } from './gone-check.ts'
import { CALL_TIMEOUT_MS, HANDSHAKE_ROUND_TRIPS, HANDSHAKES_PENDING_MAX, LINKS_TOLD_MAX, RELEASE_ANSWER_MS } from './limits.ts'
import { Link, type LinkEnd, type LinkEndReason, type LinkState } from './link.ts'
import type { Host, Network } from './network.ts'
import { BEGIN_MS, createNodeRuntime } from './node-runtime.ts'
import { SimulatedPeer } from './peer.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Client, SignalServer } from './signal-server.ts'
import { createSignalling, type Signalling } from './signalling.ts'
import { createTableLanes, type TableLanes } from './table-lanes.ts'

const NETWORK_NAME = 'public'

export interface NodeOptions {
  readonly network: Network
  readonly random: SeededRandom
  readonly proof: RecordProof
  readonly peersMax: number
  readonly server: SignalServer | undefined
  readonly find: (id: PeerId) => SimulatedNode | undefined
  readonly onRecord: (node: SimulatedNode, record: PeerRecord) => void
}

/** One node: the parts of production put together as the facade does it, over simulated links. */
export class SimulatedNode implements Client {
  readonly host: Host
  readonly keyPair: KeyPair
  readonly runtime: Runtime
  readonly peersMax: number
  readonly server: SignalServer | undefined
  readonly peers = new Map<PeerId, SimulatedPeer>()
  readonly links = new Set<Link>()
  readonly #options: NodeOptions
  readonly #scope = new Scope()
  readonly #random: SeededRandom
  /** Probes that are on their way to us, by their attempt. */
  readonly #probes = new Map<string, () => void>()
  readonly signals: SwarmSignals
  readonly mesh: MeshKeeper
  readonly #dialling: Dialling
  readonly #signalling: Signalling
  readonly #teller: { tell(): void }
  readonly #lanes: TableLanes
  #table: PeerTable | undefined

  constructor(options: NodeOptions) {
    const { network, peersMax } = options
    this.#options = options
    this.#random = options.random
    this.peersMax = peersMax
    this.server = options.server
    this.host = network.addHost()
    this.keyPair = createKeyPair({ seed: this.#random.bytes(32) })
    this.runtime = createNodeRuntime(network, this.host, this.#random)
    const { clock } = this.runtime
    const graph = createLinkGraph({ linksOf: (id) => (id === this.id ? this.#ownLinks() : this.#linksToldBy(id)) })
    this.signals = createSwarmSignals({
      self: this.id,
      runtime: this.runtime,
      graph,
      neighbours: () => this.connected,
      receive: (box) => this.#signalling.receive(box),
    })
    this.#signalling = createSignalling({
      self: this.id,
      runtime: this.runtime,
      byServer: (box) => this.server?.send(this, box),
      isServed: () => this.server?.canReach(this.host) ?? false,
      throughSwarm: this.signals.carry,
      onSignal: (signal) => (signal.kind === 'probe' ? this.#probes.get(signal.attempt)?.() : this.#dialling.receive(signal)),
    })
    this.#dialling = createDialling({
      runtime: this.runtime,
      send: this.#signalling.send,
      isConnected: (id) => this.peers.has(id),
      isLarger: (id) => isLarger(this.id, id),
      connected: () => this.peers.size,
      placesForOthers: () => peersMax - this.mesh.reserved,
      connect: async (id) => this.connect(options.find(id) as SimulatedNode),
    })
    this.mesh = createMeshKeeper({
      self: this.id,
      runtime: this.runtime,
      scope: this.#scope,
      peersMax,
      callsMax: HANDSHAKES_PENDING_MAX,
      graph,
      isAlive: (id) => this.#standing(id) !== undefined,
      isRelay: (id) => this.#standing(id)?.relay ?? false,
      peers: () => [...this.peers.values()],
      isConnected: (id) => this.peers.has(id),
      isCalling: this.#dialling.isCalling,
      calling: () => this.#dialling.size,
      call: (id, { timeoutMs }) => this.#dialling.call(id, { timeoutMs, isForMesh: true }),
      release: (id, { isForced }) => this.#release(id, isForced),
    })
    this.#teller = createLinksTeller({
      clock,
      scope: this.#scope,
      peers: () => [...this.peers.values()],
      publish: (peers) => this.#publishLinks(peers),
    })
    this.#lanes = createTableLanes({ clock, table: () => (this.#scope.isClosed ? undefined : this.#table) })
  }

  get id(): PeerId {
    return this.keyPair.peerId
  }

  get isAlive(): boolean {
    return this.host.isAlive
  }

  /** It was opened, and neither left nor died. */
  get isOpen(): boolean {
    return this.#table !== undefined
  }

  get calls(): Dialling['tally'] {
    return this.#dialling.tally
  }

  /** Whoever calls us leaves room for the links of our own choice. */
  hasRoom(dialledBy: 'us' | 'peer'): boolean {
    return this.peers.size < (dialledBy === 'us' ? this.peersMax : this.peersMax - this.mesh.reserved)
  }

  /** Peers with a path that stands. */
  get connected(): readonly SimulatedPeer[] {
    return [...this.peers.values()].filter(({ state }) => state === 'connected')
  }

  get records(): readonly PeerRecord[] {
    return this.#table?.records ?? []
  }

  get table(): PeerTable {
    if (!this.#table) throw new Error('the node was not opened')
    return this.#table
  }

  /** With the documents that an earlier life left. */
  async open(remembered: readonly unknown[] = []): Promise<void> {
    const { network, proof, server } = this.#options
    const nowMs = () => BEGIN_MS + network.clock.nowMs
    const { keyPair, runtime } = this
    this.#table = await createSimulatedTable({ keyPair, network: NETWORK_NAME, runtime, nowMs, proof, remembered })
    this.#table.onRecord = (record) => {
      this.#options.onRecord(this, record)
      if (record.left) this.mesh.forget(record.id)
      else this.mesh.learn(record.id)
    }
    for (const { id } of this.#table.records) this.mesh.learn(id)
    server?.register(this)
  }

  /** The document that an earlier life of this node would have left with everybody. */
  get earlierDocument(): unknown {
    return documentOfEarlierLife({ keyPair: this.keyPair, network: NETWORK_NAME, proof: this.#options.proof })
  }

  /** As the application calls: somebody is let go where there is no room. */
  call(id: PeerId): Promise<void> {
    if (!this.peers.has(id) && this.peers.size >= this.peersMax) this.mesh.makeRoom()
    return this.#dialling.call(id, { timeoutMs: CALL_TIMEOUT_MS })
  }

  /** Sends a signal that asks nothing; resolves with how many ms it took, never when it was lost. */
  probe(target: SimulatedNode): Promise<number> {
    const { clock } = this.runtime
    const attempt = encodeHex(this.runtime.random.bytes(16))
    const beginMs = clock.monotonic()
    const arrival = new Promise<number>((resolve) => {
      target.#probes.set(attempt, () => {
        target.#probes.delete(attempt)
        resolve(clock.monotonic() - beginMs)
      })
    })
    this.#signalling.send(target.id, { kind: 'probe', attempt }, { isWanted: new AbortController().signal, purpose: 'call' })
    return arrival
  }

  receive(id: string, box: Uint8Array): void {
    this.#signalling.receive({ id, box })
  }

  /** Says goodbye to everybody. */
  async close(): Promise<void> {
    await this.#scope.close()
    await this.table.close()
    for (const { end } of [...this.peers.values()]) end.close('left')
    this.kill()
  }

  /** Falls silent in the middle of what it does. */
  kill(): void {
    this.host.isAlive = false
    this.server?.forget(this.id)
    for (const link of this.links) link.cut()
    void this.#scope.close()
    this.#table?.destroy()
    this.#table = undefined
  }

  /** The other end made the connection. */
  accept(id: PeerId, link: Link, end: LinkEnd): void {
    this.links.add(link)
    const peer: SimulatedPeer = new SimulatedPeer({
      id,
      end,
      leads: isLarger(this.id, id),
      runtime: this.runtime,
      methods: {
        signal: (...args) => this.signals.take(id, args),
        signalled: (copy, proof) => this.signals.hear(id, copy, proof),
        needsLink: () => this.mesh.needs(id),
        reaches: (other) => this.peers.get(other as PeerId)?.state === 'connected',
      },
      onLane: (channel) => void this.#lanes.replicate(peer, channel),
      onState: (state, reason) => this.#onState(peer, link, state, reason),
    })
    this.peers.set(id, peer)
    this.#dialling.settle(id)
    this.runtime.clock.setTimer(0, () => {
      if (peer.leads) void this.#lanes.keep(peer)
      this.#teller.tell()
      this.mesh.nudge()
    })
  }

  /** A connection that was agreed upon. */
  async connect(other: SimulatedNode): Promise<void> {
    const { network } = this.#options
    await network.clock.sleep(HANDSHAKE_ROUND_TRIPS * network.rttMs(this.host, other.host))
    if (!network.canReach(this.host, other.host) || this.peers.has(other.id) || other.peers.has(this.id)) return
    if (!this.hasRoom('us') || !other.hasRoom('peer')) throw fullError()
    const link = new Link(network, [this.host, other.host], this.#random)
    this.accept(other.id, link, link.ends[0])
    other.accept(this.id, link, link.ends[1])
  }

  #onState(peer: SimulatedPeer, link: Link, state: LinkState, reason?: LinkEndReason): void {
    if (state === 'reconnecting') checkWhetherGone(this, peer)
    if (state !== 'ended') return
    this.links.delete(link)
    if (this.peers.get(peer.publicKey) === peer) this.peers.delete(peer.publicKey)
    this.#teller.tell()
    if (reason === 'released') this.mesh.released(peer.publicKey)
    else if (reason === 'lost') this.mesh.lost(peer.publicKey)
    else this.mesh.nudge()
  }

  #publishLinks(peers: readonly SimulatedPeer[]): void {
    if (!this.#table || this.#scope.isClosed) return
    const links = peers
      .slice(0, LINKS_TOLD_MAX)
      .map(({ publicKey, rttMs }) => ({ key: publicKey, rttMs: rttMs === undefined ? 0 : Math.max(0.1, rttMs) }))
    void this.#table.publish({ links, relay: true })
  }

  #standing(id: PeerId): PeerRecord | undefined {
    const record = this.#table?.get(id)
    return record && !record.left && record.expiresMs > this.runtime.clock.now() ? record : undefined
  }

  #linksToldBy(id: PeerId): PeerRecord['links'] {
    const record = this.#table?.get(id)
    return record === undefined || record.left ? [] : record.links
  }

  #ownLinks(): PeerRecord['links'] {
    return [...this.peers.values()].map(({ publicKey, rttMs }) => ({ key: publicKey, rttMs: rttMs ?? 0 }))
  }

  async #release(id: PeerId, isForced: boolean): Promise<boolean> {
    const peer = this.peers.get(id)
    if (!peer) return true
    if (!isForced && (await peer.needsLink(RELEASE_ANSWER_MS)) !== false) return false
    peer.end.close('released')
    return true
  }
}

function fullError(): SwarmError {
  return new SwarmError('One of the two has no room for another peer.', { code: 'ERR_PEER_FULL', retryable: true })
}
