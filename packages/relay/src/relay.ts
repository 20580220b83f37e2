import type { Clock, PeerId, Substream, SwarmError, Timer } from '@resilient-swarm/contract'
import { encodePeerId, parsePeerId } from '@resilient-swarm/identity'
import { acceptCircuit } from './accept-circuit.ts'
import type { CircuitChannel } from './circuit.ts'
import { type CircuitParts, createCircuit } from './circuit-path.ts'
import { dialCircuit } from './dial-circuit.ts'
import { lostError, refusedError, relayError } from './errors.ts'
import { Leg } from './leg.ts'
import {
  CLOSE_ALL_TIMEOUT_MS,
  DRAIN_GRACE_MS,
  FIRST_FRAME_TIMEOUT_MS,
  FIRST_FRAMES_PENDING_MAX,
  OWN_CIRCUITS_MAX,
  parseRelayLimits,
} from './limits.ts'
import type { ControlFrame } from './messages.ts'
import type { Circuit, DialOptions, Relay, RelayCounters, RelayOptions } from './options.ts'
import { REFUSAL_CODES } from './refusal-codes.ts'
import { openSafely, RelayServer } from './relay-server.ts'

const OPTIONS = new Set<string>([
  'self',
  'runtime',
  'serve',
  'limits',
  'openSubstream',
  'isDirect',
  'allow',
  'judgeIncoming',
  'onCircuit',
] satisfies (keyof RelayOptions)[])

/** A TypeError for an unknown option, a RangeError for a limit that makes no sense. */
export function createRelay(options: RelayOptions): Relay {
  for (const name of Object.keys(options)) if (!OPTIONS.has(name)) throw new TypeError(`createRelay has no option ${name}`)
  return new NodeRelay(options)
}

class NodeRelay implements Relay {
  readonly counters: RelayCounters
  readonly #options: RelayOptions
  readonly #clock: Clock
  readonly #server: RelayServer
  /** Substreams that said nothing whole yet. */
  readonly #pending = new Map<Leg, Timer>()
  readonly #dials = new Map<AbortController, PeerId>()
  readonly #own = new Map<CircuitChannel, PeerId>()
  #closing: Promise<void> | undefined

  constructor(options: RelayOptions) {
    this.#options = options
    this.#clock = options.runtime.clock
    const server = new RelayServer(options, parseRelayLimits(options.limits))
    const own = this.#own
    this.#server = server
    this.counters = {
      get circuits() {
        return server.circuits
      },
      get circuitsByPeer() {
        return server.circuitsByPeer
      },
      get heldBytes() {
        return server.heldBytes
      },
      get ownCircuits() {
        return own.size
      },
      get accepted() {
        return server.accepted
      },
      get refused() {
        return server.refused
      },
      get bytesForwarded() {
        return server.bytesForwarded
      },
    }
  }

  receive(from: PeerId, substream: Substream): void {
    const pendingOfPeer = [...this.#pending.keys()].filter(({ peer }) => peer === from).length
    if (this.#closing || pendingOfPeer >= FIRST_FRAMES_PENDING_MAX) {
      substream.reset()
      return
    }
    const leg = new Leg({ peer: from, substream, clock: this.#clock })
    this.#pending.set(
      leg,
      this.#clock.setTimer(FIRST_FRAME_TIMEOUT_MS, () => this.#forget(leg).reset()),
    )
    leg.onClosed = () => this.#forget(leg)
    leg.raw.onEnd = () => this.#forget(leg).reset()
    leg.readFirst((frame, rest) => {
      this.#forget(leg)
      leg.raw.onEnd = nothing
      if (frame?.type === 'connect') this.#server.connect(leg, frame, rest)
      else if (frame?.type === 'incoming') this.#accept(leg, frame, rest)
      else {
        leg.raw.consume(rest.byteLength)
        leg.finish({ type: 'refuse', code: REFUSAL_CODES.malformed })
      }
    })
  }

  async dial({ relay, target, signal }: DialOptions): Promise<Circuit> {
    const { self, isDirect, runtime } = this.#options
    parsePeerId(relay)
    parsePeerId(target)
    if (target === self || relay === self || relay === target) {
      throw new RangeError('relay and target must be two peers, and neither of them ourselves')
    }
    if (this.#closing) throw closedError()
    if (this.#own.size + this.#dials.size >= OWN_CIRCUITS_MAX) {
      throw relayError(
        'ERR_CIRCUIT_LIMIT',
        `${OWN_CIRCUITS_MAX} circuits of our own stand or are being dialled; close one first.`,
      )
    }
    const substream = openSafely(this.#options, relay)
    if (!substream) throw relayError('ERR_CIRCUIT_NO_RELAY', 'We are not connected to the relay; choose another.')
    if (!isDirect(relay)) {
      substream.reset()
      throw refusedError(REFUSAL_CODES.notDirect)
    }
    const giveUp = new AbortController()
    this.#dials.set(giveUp, relay)
    try {
      const leg = new Leg({ peer: relay, substream, clock: this.#clock })
      return this.#keep(await dialCircuit({ leg, self, target, runtime, signal, given: giveUp.signal }))
    } finally {
      this.#dials.delete(giveUp)
    }
  }

  dropPeer(peer: PeerId): void {
    for (const leg of [...this.#pending.keys()]) if (leg.peer === peer) this.#forget(leg).reset()
    this.#server.drop(peer)
    for (const [giveUp, relay] of this.#dials) if (relay === peer) giveUp.abort(lostError())
    for (const [channel, via] of this.#own) if (via === peer) channel.lose()
  }

  drain(graceMs: number = DRAIN_GRACE_MS): Promise<void> {
    if (!Number.isFinite(graceMs) || graceMs < 0) throw new RangeError('graceMs must be a number of milliseconds')
    return this.#server.drain(graceMs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (const leg of [...this.#pending.keys()]) this.#forget(leg).reset()
    for (const giveUp of this.#dials.keys()) giveUp.abort(closedError())
    this.#server.endAll()
    const own = [...this.#own.keys()]
    for (const channel of own) channel.close()
    const timer = this.#clock.setTimer(CLOSE_ALL_TIMEOUT_MS, () => {
      for (const channel of own) channel.abort(closedError())
    })
    await Promise.all(own.map(({ closed }) => closed))
    timer.cancel()
  }

  #forget(leg: Leg): Leg {
    this.#pending.get(leg)?.cancel()
    this.#pending.delete(leg)
    return leg
  }

  #accept(leg: Leg, incoming: Extract<ControlFrame, { type: 'incoming' }>, rest: Uint8Array): void {
    const { self, runtime, isDirect, judgeIncoming, onCircuit } = this.#options
    const hasRoom = this.#own.size + this.#dials.size < OWN_CIRCUITS_MAX
    const parts = acceptCircuit({ leg, incoming, rest, self, runtime, isDirect, hasRoom, judge: judgeIncoming })
    if (parts) onCircuit({ from: encodePeerId(incoming.from), circuit: this.#keep(parts) })
  }

  #keep(parts: CircuitParts): Circuit {
    const { channel, names } = parts
    this.#own.set(channel, names.relay)
    void channel.closed.then(() => this.#own.delete(channel))
    return createCircuit(parts)
  }
}

function closedError(): SwarmError {
  return relayError('ERR_RELAY_CLOSED', 'This node has closed its relay; create another to dial again.')
}

function nothing(): void {}
