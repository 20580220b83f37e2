import type { Channel, PeerId, Runtime } from '@resilient-swarm/contract'
import { encodeWay, type MeshPeer, type Neighbour, type TravellingSignal } from '@resilient-swarm/mesh'
import { Lanes } from './lanes.ts'
import type { LinkEnd, LinkEndReason, LinkState } from './link.ts'
import { type Method, RPC_LANE, Rpc } from './rpc.ts'

export interface PeerOptions {
  readonly id: PeerId
  readonly end: LinkEnd
  /** Our key is the larger one: we open the table's lane. */
  readonly leads: boolean
  readonly runtime: Runtime
  readonly methods: Readonly<Record<string, Method>>
  readonly onLane: (channel: Channel) => void
  readonly onState: (state: LinkState, reason?: LinkEndReason) => void
}

const SIGNAL_METHODS = new Set(['signal', 'signalled'])

/** A connected peer as the other parts see it: what `ConnectedPeer` is in the facade. */
export class SimulatedPeer implements Neighbour, MeshPeer {
  readonly publicKey: PeerId
  readonly isDirect = true
  readonly leads: boolean
  readonly end: LinkEnd
  readonly #rpc: Rpc
  readonly #lanes: Lanes
  #isMeasured = false

  constructor({ id, end, leads, runtime, methods, onLane, onState }: PeerOptions) {
    this.publicKey = id
    this.end = end
    this.leads = leads
    this.#rpc = new Rpc({ end, runtime, methods, kindOf: (method) => (SIGNAL_METHODS.has(method) ? 'signals' : 'other') })
    this.#lanes = new Lanes({ end, onLane })
    end.onFrame = (frame) => (frame.lane === RPC_LANE ? this.#rpc.receive(frame) : this.#lanes.receive(frame))
    end.onState = (state, reason) => {
      if (state === 'ended') {
        this.#rpc.end()
        this.#lanes.end()
      }
      onState(state, reason)
    }
    runtime.clock.setTimer(end.rttMs, () => {
      this.#isMeasured = true
    })
  }

  get id(): PeerId {
    return this.publicKey
  }

  get state(): LinkState {
    return this.end.state
  }

  /** Undefined until a first PING came back. */
  get rttMs(): number | undefined {
    return this.#isMeasured ? this.end.rttMs : undefined
  }

  openTable(): Channel {
    return this.#lanes.open()
  }

  /** Nobody uses a link of the simulation but the swarm itself. */
  get idleMs(): number {
    return Number.POSITIVE_INFINITY
  }

  get isUp(): boolean {
    return this.state === 'connected'
  }

  signal(signal: TravellingSignal, { timeoutMs }: { readonly timeoutMs: number }): Promise<unknown> {
    return this.#rpc.call('signal', [signal.to, signal.id, signal.box, encodeWay(signal)], { timeoutMs })
  }

  signalled(copy: string, proof: string | null): Promise<unknown> {
    this.#rpc.tell('signalled', [copy, proof])
    return Promise.resolve()
  }

  needsLink(timeoutMs: number): Promise<unknown> {
    return this.#rpc.call('needsLink', [], { timeoutMs })
  }

  reaches(id: PeerId, timeoutMs: number): Promise<boolean> {
    return this.#rpc.call('reaches', [id], { timeoutMs }).then(
      (answer) => answer === true,
      () => false,
    )
  }
}
