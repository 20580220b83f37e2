import type { PeerId, Runtime } from '@resilient-swarm/contract'
import { encodePeerId } from '@resilient-swarm/identity'
import { CircuitChannel } from './circuit.ts'
import type { CircuitParts } from './circuit-path.ts'
import type { Leg } from './leg.ts'
import type { ControlFrame } from './messages.ts'
import { REFUSAL_CODES, type Refusal } from './refusal-codes.ts'

export interface CircuitAcceptOptions {
  readonly leg: Leg
  readonly incoming: Extract<ControlFrame, { type: 'incoming' }>
  /** What came behind it. */
  readonly rest: Uint8Array
  readonly self: PeerId
  readonly runtime: Runtime
  readonly isDirect: (peer: PeerId) => boolean
  readonly hasRoom: boolean
  readonly judge: (from: PeerId, via: PeerId) => 'accept' | 'busy' | 'refuse'
}

/** Answers a relay that brings a circuit; undefined when it was refused. Nothing of what it says is believed before the handshake. */
export function acceptCircuit(options: CircuitAcceptOptions): CircuitParts | undefined {
  const { leg, incoming, rest, self, runtime } = options
  const from = encodePeerId(incoming.from)
  const refusal = refusalFor(options, from)
  if (refusal) {
    leg.raw.consume(rest.byteLength)
    leg.finish({ type: 'refuse', code: REFUSAL_CODES[refusal] })
    return undefined
  }
  leg.send({ type: 'accept', limits: undefined })
  const { limits, circuitId } = incoming
  const channel = new CircuitChannel({ leg, rest, limits, role: 'target', runtime })
  return { channel, names: { relay: leg.peer, dialler: from, target: self, circuitId }, limits }
}

function refusalFor({ leg, self, isDirect, hasRoom, judge }: CircuitAcceptOptions, from: PeerId): Refusal | undefined {
  if (from === self || from === leg.peer) return 'targetRefused'
  if (!isDirect(leg.peer)) return 'notDirect'
  if (!hasRoom) return 'targetBusy'
  switch (judge(from, leg.peer)) {
    case 'accept':
      return undefined
    case 'busy':
      return 'targetBusy'
    case 'refuse':
      return 'targetRefused'
  }
}
