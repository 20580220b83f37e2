import { type PeerId, SwarmError } from '@resilient-swarm/contract'
import type { ShareableDatabase } from '@resilient-swarm/database-share'
import { parsePeerId } from '@resilient-swarm/identity'
import type { RelayCounters } from '@resilient-swarm/relay'
import type { SignalServerStatus } from '@resilient-swarm/signal-exchange'
import type { DatabaseReplication, ReplicateOptions } from './database-replication.ts'
import type { SwarmEvents } from './events.ts'
import type { Note } from './history.ts'
import { Listeners } from './listeners.ts'
import { createNode, type Node } from './node.ts'
import { readOptions, type SwarmOptions } from './options.ts'
import type { Peer } from './peer.ts'
import type { TableView } from './table-link.ts'

/** A node's relaying: its own limits are the option `relay`. */
export interface RelayStatus extends RelayCounters {
  readonly serves: boolean
}

export interface CallOptions {
  /** Gives the wish up. The call itself goes on while somebody else wishes for the same peer. */
  readonly signal?: AbortSignal
}

/**
 * A node of the swarm. It *is* its public key; whoever knows the key of any node joins by calling it.
 * `Remote` is the type of the methods that peers of this application serve.
 */
export class Swarm<Remote = unknown> implements AsyncDisposable {
  readonly #node: Node<Remote>
  readonly #events = new Listeners<SwarmEvents<Remote>>()

  /** Throws a TypeError or RangeError that names the option which is wrong. */
  constructor(options: SwarmOptions = {}) {
    this.#node = createNode<Remote>({ settings: readOptions(options), emit: (event, ...facts) => this.#emit(event, ...facts) })
  }

  #emit<Name extends keyof SwarmEvents<Remote>>(event: Name, ...facts: SwarmEvents<Remote>[Name]): boolean {
    return this.#events.emit(event, ...facts)
  }

  /** This node's address text, `rs1…`, 61 characters: what others call. */
  get publicKey(): PeerId {
    return this.#node.keyPair.peerId
  }

  /** The 32 secret bytes that make this node; keep them and pass them as `seed` to be the same node again. */
  get seed(): Uint8Array {
    return this.#node.keyPair.seed.slice()
  }

  /** Resolves when the table is open and a signal server has registered the key. Rejects with `ERR_NO_SIGNAL_SERVER` or `ERR_SWARM_CLOSED`. */
  get ready(): Promise<void> {
    return this.#node.ready
  }

  /** Everybody who is connected now; the table knows the rest. In a big swarm that is a dozen, and whom the application called. */
  get peers(): readonly Peer<Remote>[] {
    return this.#node.roster.peers
  }

  /** How it stands with each signal server: its URL, a state, and why it is not registered. */
  get servers(): readonly SignalServerStatus[] {
    return this.#node.servers
  }

  /** Whether this node relays for others, and what it does for them and they for it right now. */
  get relay(): RelayStatus {
    return { serves: this.#node.settings.relay.serve, ...this.#node.circuits.counters }
  }

  /** What is known of every node, connected or not. */
  get table(): TableView {
    return this.#node.table.view
  }

  /**
   * Connects to a node by its key and resolves with the peer, whether the mesh needs the link or not; one that it does not need ends
   * when it was not used for a minute. A call that nobody awaits never crashes the process: its
   * failure is told by the `error` event too. Fails with `ERR_KEY_TEXT`, `ERR_CALL_TIMEOUT`, `ERR_REFUSED`,
   * `ERR_ABORTED` or `ERR_SWARM_CLOSED`; throws a TypeError at once for its own key and for an unknown option.
   */
  call(key: string, options: CallOptions = {}): Promise<Peer<Remote>> {
    const { signal, ...unknown } = options
    for (const name of Object.keys(unknown)) throw new TypeError(`unknown option '${name}' of call; known is signal`)
    if (key === this.publicKey) throw new TypeError('a swarm cannot call its own key')
    const called = this.#call(key, signal)
    called.catch((error: unknown) => {
      if (error instanceof SwarmError && error.code !== 'ERR_ABORTED' && error.code !== 'ERR_SWARM_CLOSED') {
        this.#emit('error', error)
      }
    })
    return called
  }

  async #call(key: string, signal: AbortSignal | undefined): Promise<Peer<Remote>> {
    return this.#node.call(parsePeerId(key), signal)
  }

  /**
   * Shares a PouchDB of the application's, live and both ways, with every peer that shares the name too. What comes from them passes
   * `admit`. Ends with the swarm, by `cancel`, or with the database. A TypeError or RangeError names what is wrong.
   */
  replicate(database: ShareableDatabase, options: ReplicateOptions): DatabaseReplication {
    return this.#node.databases.share(database, options)
  }

  /** What was tried to reach a peer and how it ended, oldest first. */
  why(key: string): readonly Note[] {
    return this.#node.history.read(parsePeerId(key))
  }

  /** Listens. A late listener of `peer` is told of those that are there already, in a later micro-task. */
  on<Name extends keyof SwarmEvents<Remote>>(event: Name, listener: (...facts: SwarmEvents<Remote>[Name]) => void): this {
    this.#events.on(event, listener)
    if (event === 'peer') this.#tellPresent(listener as (peer: Peer<Remote>) => void)
    return this
  }

  /** Listens for the next one only; for `peer` that may be one who is there already. */
  once<Name extends keyof SwarmEvents<Remote>>(event: Name, listener: (...facts: SwarmEvents<Remote>[Name]) => void): this {
    const heard = (...facts: SwarmEvents<Remote>[Name]) => {
      if (done) return
      done = true
      this.off(event, heard)
      listener(...facts)
    }
    let done = false
    return this.on(event, heard)
  }

  off<Name extends keyof SwarmEvents<Remote>>(event: Name, listener: (...facts: SwarmEvents<Remote>[Name]) => void): this {
    this.#events.off(event, listener)
    return this
  }

  #tellPresent(listener: (peer: Peer<Remote>) => void): void {
    for (const peer of this.#node.roster.peers) {
      queueMicrotask(() => {
        if (this.#events.has('peer', listener)) listener(peer)
      })
    }
  }

  /** Says goodbye to everybody and ends all that runs; within a second even when nobody answers. Idempotent. */
  close(): Promise<void> {
    return this.#node.close()
  }

  /** Ends at once without goodbye. Idempotent. */
  destroy(): void {
    this.#node.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
