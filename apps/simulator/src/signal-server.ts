import type { PeerId } from '@resilient-swarm/contract'
import type { SealedBox } from '@resilient-swarm/mesh'
import type { Host, Network, Way } from './network.ts'

/** A node that is registered at the server. */
export interface Client {
  readonly id: PeerId
  readonly host: Host
  receive(id: string, box: Uint8Array): void
}

/** What stands around a box in the frame that carries it: its receiver, its id, and the spelling of bytes as text. */
const FRAME_BYTES = 524

/** A signal server: hands boxes on to who is online, and says who is. It lasts as long as its host lives. */
export class SignalServer {
  readonly host: Host
  readonly #network: Network
  readonly #clients = new Map<PeerId, { readonly client: Client; readonly up: Way; readonly down: Way }>()

  constructor(network: Network) {
    this.#network = network
    this.host = network.addHost()
  }

  register(client: Client): void {
    const { host } = client
    const up = { from: host, to: this.host, arrivedByMs: 0 }
    const down = { from: this.host, to: host, arrivedByMs: 0 }
    this.#clients.set(client.id, { client, up, down })
  }

  /** Its operating system closes the socket of a process that died, and the server sees it. */
  forget(id: PeerId): void {
    this.#clients.delete(id)
  }

  /** From now on nobody gets anything through it. */
  stop(): void {
    this.host.isAlive = false
  }

  canReach(host: Host): boolean {
    return this.#network.canReach(this.host, host)
  }

  /** Resolves with whether the receiver was online; undefined where the server cannot be reached. */
  send(from: Client, { to, id, box }: SealedBox): Promise<boolean> | undefined {
    const sender = this.#clients.get(from.id)
    if (!sender || !this.canReach(from.host)) return undefined
    from.host.traffic.count('signals', box.byteLength + FRAME_BYTES)
    return new Promise((resolve) => {
      this.#network.send(sender.up, box, () => {
        const receiver = this.#clients.get(to)
        if (receiver) this.#network.send(receiver.down, box, () => receiver.client.receive(id, box))
        const isOnline = receiver !== undefined
        this.#network.send(sender.down, Uint8Array.of(Number(isOnline)), () => resolve(isOnline))
      })
    })
  }

  /** How long an answer takes, and whether it is that the peer is offline; undefined where the server cannot be reached. */
  lookUp(from: Host, id: PeerId): { readonly afterMs: number; readonly isOnline: boolean } | undefined {
    if (!this.canReach(from)) return undefined
    return { afterMs: this.#network.rttMs(from, this.host), isOnline: this.#clients.has(id) }
  }
}
