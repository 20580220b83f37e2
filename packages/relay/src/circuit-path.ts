import { concatBytes, lengthPrefixed, type PeerId } from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import type { CircuitChannel } from './circuit.ts'
import type { Circuit, CircuitLimits } from './options.ts'

/** What both ends and the relay know of one circuit. */
export interface CircuitNames {
  readonly relay: PeerId
  readonly dialler: PeerId
  readonly target: PeerId
  readonly circuitId: Uint8Array
}

/** `lp(relay) ‖ lp(dialler) ‖ lp(target) ‖ lp(circuit id)`: whoever lied about one of them breaks the handshake. */
function encodeBinding({ relay, dialler, target, circuitId }: CircuitNames): Uint8Array {
  return concatBytes(...[publicKeyOf(relay), publicKeyOf(dialler), publicKeyOf(target), circuitId].map(lengthPrefixed))
}

export interface CircuitParts {
  readonly channel: CircuitChannel
  readonly names: CircuitNames
  readonly limits: CircuitLimits
}

/** The channel as a path. */
export function createCircuit({ channel, names, limits }: CircuitParts): Circuit {
  return {
    kind: 'circuit',
    channel,
    binding: encodeBinding(names),
    via: names.relay,
    limits,
    get onLeaving() {
      return channel.onLeaving
    },
    set onLeaving(onLeaving) {
      channel.onLeaving = onLeaving
    },
  }
}
