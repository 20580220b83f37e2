import { type Clock, createKeyedRate, type PeerId, type Rate } from '@resilient-swarm/contract'
import { encodePeerId, publicKeyOf } from '@resilient-swarm/identity'
import { Leg } from './leg.ts'
import { CONNECTS_BURST, CONNECTS_PER_SECOND, RATED_PEERS_MAX, type RelayLimits } from './limits.ts'
import type { ControlFrame } from './messages.ts'
import type { CircuitLimits, RelayOptions } from './options.ts'
import { CIRCUIT_END_CODES, REFUSAL_CODES, type Refusal } from './refusal-codes.ts'
import { ServedCircuit } from './served-circuit.ts'

const CONNECT_RATE: Rate = { perSecond: CONNECTS_PER_SECOND, burst: CONNECTS_BURST }

/** What is known of a wish before the target is looked for. Plain data. */
export interface ConnectFacts {
  readonly serves: boolean
  readonly isLeaving: boolean
  readonly isTooFast: boolean
  /** To the relay itself, or back to who asks. */
  readonly isLoop: boolean
  readonly isDiallerDirect: boolean
  readonly circuits: number
  readonly circuitsOfDialler: number
  readonly circuitsToTarget: number
}

/** Undefined: the limits allow it. The cheapest question first. Pure. */
export function judgeConnect(facts: ConnectFacts, limits: RelayLimits): Refusal | undefined {
  if (!facts.serves) return 'notServing'
  if (facts.isTooFast) return 'tooFast'
  if (facts.isLeaving) return 'leaving'
  if (facts.isLoop) return 'loop'
  if (!facts.isDiallerDirect) return 'notDirect'
  if (facts.circuits >= limits.circuitsMax) return 'busy'
  if (facts.circuitsOfDialler >= limits.circuitsPerPeerMax) return 'perPeerLimit'
  if (facts.circuitsToTarget >= limits.circuitsPerTargetMax) return 'targetBusy'
  return undefined
}

/** Forwards for others: who may, how many, and what became of it. */
export class RelayServer {
  accepted = 0
  refused = 0
  bytesForwarded = 0
  readonly #options: RelayOptions
  readonly #limits: RelayLimits
  readonly #clock: Clock
  readonly #circuits = new Set<ServedCircuit>()
  readonly #rates = createKeyedRate<PeerId>({ rate: CONNECT_RATE, keysMax: RATED_PEERS_MAX })
  #isLeaving = false
  #onEmpty: () => void = () => {}

  constructor(options: RelayOptions, limits: RelayLimits) {
    this.#options = options
    this.#limits = limits
    this.#clock = options.runtime.clock
  }

  get circuits(): number {
    return this.#circuits.size
  }

  get circuitsByPeer(): number {
    const counts = new Map<PeerId, number>()
    for (const { dialler } of this.#circuits) counts.set(dialler, (counts.get(dialler) ?? 0) + 1)
    return Math.max(0, ...counts.values())
  }

  get heldBytes(): number {
    let bytes = 0
    for (const circuit of this.#circuits) bytes += circuit.heldBytes
    return bytes
  }

  /** A peer asks for a circuit; `rest` came behind its CONNECT. */
  connect(dialler: Leg, { to, circuitId }: Extract<ControlFrame, { type: 'connect' }>, rest: Uint8Array): void {
    const target = encodePeerId(to)
    const refusal = this.#judge(dialler.peer, target)
    const leg = refusal ?? this.#openLeg(target)
    if (leg instanceof Leg) this.#serve(dialler, leg, circuitId, rest)
    else {
      dialler.raw.consume(rest.byteLength)
      this.refuse(dialler, leg)
    }
  }

  refuse(leg: Leg, refusal: Refusal): void {
    this.refused++
    leg.finish({ type: 'refuse', code: REFUSAL_CODES[refusal] })
  }

  /** The peer is no leg any more. Its rate is remembered, or whoever comes back would have all of it again. */
  drop(peer: PeerId): void {
    for (const circuit of this.#circuits) {
      if (circuit.dialler === peer || circuit.target === peer) circuit.end(CIRCUIT_END_CODES.legLost, peer)
    }
  }

  /** Resolves when nobody's circuit is left, or all were ended after the grace time. */
  async drain(graceMs: number): Promise<void> {
    this.#isLeaving = true
    for (const circuit of this.#circuits) circuit.drain(graceMs)
    if (this.#circuits.size === 0) return
    await new Promise<void>((resolve) => {
      const told = this.#onEmpty
      this.#onEmpty = () => {
        told()
        resolve()
      }
    })
  }

  endAll(): void {
    this.#isLeaving = true
    for (const circuit of this.#circuits) circuit.end(CIRCUIT_END_CODES.leaving)
  }

  #judge(from: PeerId, to: PeerId): Refusal | undefined {
    const { self, serve, isDirect, allow } = this.#options
    const circuits = [...this.#circuits]
    const refusal = judgeConnect(
      {
        serves: serve,
        isLeaving: this.#isLeaving,
        isTooFast: serve && !this.#rates.take(from, this.#clock.monotonic()),
        isLoop: to === self || to === from,
        isDiallerDirect: isDirect(from),
        circuits: circuits.length,
        circuitsOfDialler: circuits.filter(({ dialler }) => dialler === from).length,
        circuitsToTarget: circuits.filter(({ target }) => target === to).length,
      },
      this.#limits,
    )
    return refusal ?? (allow && !allow(from, to) ? 'notAllowed' : undefined)
  }

  #openLeg(target: PeerId): Leg | Refusal {
    const substream = openSafely(this.#options, target)
    if (!substream) return 'unknownTarget'
    if (this.#options.isDirect(target)) return new Leg({ peer: target, substream, clock: this.#clock })
    substream.reset()
    return 'notDirect'
  }

  #serve(dialler: Leg, target: Leg, circuitId: Uint8Array, rest: Uint8Array): void {
    const { isDirect, allow } = this.#options
    const limits = announced(this.#limits)
    const circuit: ServedCircuit = new ServedCircuit({
      dialler,
      target,
      limits,
      clock: this.#clock,
      onForwarded: (byteCount) => {
        this.bytesForwarded += byteCount
      },
      mayRenew: () =>
        !this.#isLeaving && isDirect(dialler.peer) && isDirect(target.peer) && (allow?.(dialler.peer, target.peer) ?? true),
      onOpened: () => {
        this.accepted++
      },
      onRefused: () => {
        this.refused++
      },
      onGone: () => {
        this.#circuits.delete(circuit)
        if (this.#circuits.size === 0) this.#onEmpty()
      },
    })
    this.#circuits.add(circuit)
    circuit.ask({ type: 'incoming', from: publicKeyOf(dialler.peer), circuitId, limits }, rest)
  }
}

/** Undefined when the peer is not connected, or its session takes no more substreams. */
export function openSafely({ openSubstream, runtime }: RelayOptions, peer: PeerId): ReturnType<RelayOptions['openSubstream']> {
  try {
    return openSubstream(peer)
  } catch (error) {
    runtime.log.debug('a peer that was to carry a circuit has no room for a substream', { peer, error: String(error) })
    return undefined
  }
}

function announced(limits: RelayLimits): CircuitLimits {
  return {
    bytesPerSecond: limits.bytesPerSecondMax,
    burstBytes: limits.burstBytesMax,
    durationMs: limits.circuitDurationMsMax,
  }
}
