import type { PeerId } from '@resilient-swarm/contract'
import type { PeerRecord } from '@resilient-swarm/peer-table'
import { loadLatency } from './latency.ts'
import { NODE_PEERS_MAX } from './limits.ts'
import { Network } from './network.ts'
import { SimulatedNode } from './node.ts'
import { createSeededRandom, type SeededRandom } from './seeded-random.ts'
import { SignalServer } from './signal-server.ts'
import { Trace } from './trace.ts'
import { createUnsignedRecords } from './unsigned-records.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SwarmOptions {
  readonly seed: number
  /** With a signal server that everybody knows; without one only neighbours carry signals. */
  readonly server?: boolean
  readonly peersMax?: number
}

export type OnRecord = (node: SimulatedNode, record: PeerRecord) => void

/** Everything of one run: time, chance, the network, and the nodes in it. */
export class SimulatedSwarm {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly trace = new Trace()
  readonly network: Network
  readonly latencySource: string
  readonly nodes: SimulatedNode[] = []
  server: SignalServer | undefined
  onRecord: OnRecord = () => {}
  readonly #byId = new Map<PeerId, SimulatedNode>()
  readonly #proof = createUnsignedRecords()
  readonly #options: SwarmOptions

  constructor(options: SwarmOptions) {
    const { seed, server = true } = options
    this.#options = options
    this.random = createSeededRandom(seed)
    const latency = loadLatency(seed)
    this.latencySource = latency.source
    this.network = new Network({ clock: this.clock, latency, random: this.random.fork('network'), trace: this.trace })
    if (server) this.server = new SignalServer(this.network)
  }

  get alive(): readonly SimulatedNode[] {
    return this.nodes.filter(({ isAlive }) => isAlive)
  }

  find(id: PeerId): SimulatedNode | undefined {
    return this.#byId.get(id)
  }

  async add(): Promise<SimulatedNode> {
    const node = this.#make()
    await node.open()
    return node
  }

  /** So many nodes that know each other from an earlier life begin anew, one after another. */
  async wake(count: number, { overMs }: { readonly overMs: number }): Promise<void> {
    const beginMs = this.clock.nowMs
    const nodes = Array.from({ length: count }, () => this.#make())
    const remembered = nodes.map(({ earlierDocument }) => earlierDocument)
    const opened: Promise<void>[] = []
    for (const [place, node] of nodes.entries()) {
      opened.push(node.open(remembered))
      await this.clock.advanceTo(beginMs + (overMs * (place + 1)) / count)
    }
    await Promise.all(opened)
  }

  #make(): SimulatedNode {
    const node = new SimulatedNode({
      network: this.network,
      random: this.random.fork(`node ${this.nodes.length}`),
      proof: this.#proof,
      peersMax: this.#options.peersMax ?? NODE_PEERS_MAX,
      server: this.server,
      find: (id) => this.#byId.get(id),
      onRecord: (receiver, record) => this.onRecord(receiver, record),
    })
    this.nodes.push(node)
    this.#byId.set(node.id, node)
    return node
  }

  /** A new node that knows the key of somebody who is there, and calls it until it is connected. */
  async join(): Promise<SimulatedNode> {
    const known = this.random.pick(this.alive)
    const node = await this.add()
    if (known) this.#callUntilConnected(node, known)
    return node
  }

  /** Those nodes and the others can no longer reach each other. */
  split(island: readonly SimulatedNode[]): void {
    for (const { host } of island) host.island = 1
    for (const node of island) {
      for (const link of node.links) if (link.ends.some(({ host }) => host.island === 0)) link.cut()
    }
  }

  /** Everybody can reach everybody again; connections that were cut stay so. */
  unite(): void {
    for (const { host } of this.nodes) host.island = 0
  }

  #callUntilConnected(node: SimulatedNode, known: SimulatedNode): void {
    void node.call(known.id).catch(() => {
      if (!node.isAlive || node.peers.size > 0) return
      const other = known.isAlive ? known : this.random.pick(this.alive)
      if (other) this.clock.after(1_000, () => this.#callUntilConnected(node, other))
    })
  }
}
