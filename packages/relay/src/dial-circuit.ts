import { abortedError, type PeerId, type Runtime, Scope } from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import { CircuitChannel } from './circuit.ts'
import type { CircuitNames, CircuitParts } from './circuit-path.ts'
import { lostError, refusedError, relayError } from './errors.ts'
import type { Leg } from './leg.ts'
import { CIRCUIT_ID_BYTES, DIAL_TIMEOUT_MS } from './limits.ts'

export interface CircuitDialOptions {
  readonly leg: Leg
  readonly self: PeerId
  readonly target: PeerId
  readonly runtime: Runtime
  readonly signal?: AbortSignal | undefined
  /** Aborted when the relay's session ends, or we do; its reason is the error. */
  readonly given: AbortSignal
}

/** Asks the relay for a circuit over a leg of its own. Rejects with a SwarmError; the leg is reset then. */
export async function dialCircuit(options: CircuitDialOptions): Promise<CircuitParts> {
  const { leg, signal } = options
  const scope = new Scope()
  try {
    if (signal?.aborted) throw abortedError(signal)
    return await ask(options, scope)
  } catch (error) {
    leg.reset()
    throw error
  } finally {
    void scope.close()
  }
}

function ask({ leg, self, target, runtime, signal, given }: CircuitDialOptions, scope: Scope): Promise<CircuitParts> {
  const names: CircuitNames = { relay: leg.peer, dialler: self, target, circuitId: runtime.random.bytes(CIRCUIT_ID_BYTES) }
  return new Promise((resolve, reject) => {
    scope.timer(runtime.clock, DIAL_TIMEOUT_MS, () => {
      const message = `The relay did not answer within ${DIAL_TIMEOUT_MS / 1000} s; choose another.`
      reject(relayError('ERR_CIRCUIT_TIMEOUT', message))
    })
    if (signal) scope.listen(signal, 'abort', () => reject(abortedError(signal)))
    scope.listen(given, 'abort', () => reject(given.reason))
    leg.onClosed = (end) => reject(lostError(end))
    leg.raw.onEnd = () => reject(lostError())
    leg.readFirst((frame, rest) => {
      if (frame?.type === 'accept' && frame.limits) {
        // In this very turn: messages may already be right behind it.
        const channel = new CircuitChannel({ leg, rest, limits: frame.limits, role: 'dialler', runtime })
        resolve({ channel, names, limits: frame.limits })
        return
      }
      if (frame?.type === 'refuse') reject(refusedError(frame.code))
      else
        reject(
          relayError(
            'ERR_CIRCUIT_PROTOCOL',
            'The relay answered what the protocol does not allow; update whichever side is older.',
          ),
        )
    })
    leg.send({ type: 'connect', to: publicKeyOf(target), circuitId: names.circuitId })
  })
}
