import { decodeUtf8, encodeHex, type PeerId, type Runtime, utf8 } from '@resilient-swarm/contract'
import { type OwnSignal, proveDelivery, type SealedBox, type SwarmSignals } from '@resilient-swarm/mesh'
import { SEALED_SIGNAL_BYTES, SERVER_HEAD_START_MS, SERVER_REPEATS_MS } from './limits.ts'

/** What one end of an attempt tells the other. A probe asks nothing; that it arrives is what counts. */
export interface SimulatedSignal {
  readonly kind: 'offer' | 'answer' | 'refuse' | 'probe'
  readonly attempt: string
  readonly from: PeerId
}

export interface SignallingOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  /** By the signal server; false where none can be reached. */
  readonly byServer: (box: SealedBox) => boolean
  readonly throughSwarm: SwarmSignals['carry']
  readonly onSignal: (signal: SimulatedSignal) => void
}

/** Sends signals as boxes of a sealed one's size, by the routes of the facade's signal router and with its patience. */
export interface Signalling {
  /** `isWanted` fires when the other end has been heard, or the attempt is over. */
  send(to: PeerId, signal: Omit<SimulatedSignal, 'from'>, isWanted: AbortSignal): void
  /** Returns the proof that the box was opened. */
  receive(box: { readonly id: string; readonly box: Uint8Array }): string
}

const ID_BYTES = 16
const END_OF_TEXT = 10

export function createSignalling({ self, runtime, byServer, throughSwarm, onSignal }: SignallingOptions): Signalling {
  const { clock } = runtime
  const seen = new Set<string>()

  function carry(own: OwnSignal, isWanted: AbortSignal): void {
    if (!isWanted.aborted) throughSwarm(own, { signal: isWanted }).catch(() => {})
  }

  return {
    send(to, signal, isWanted) {
      const id = encodeHex(runtime.random.bytes(ID_BYTES))
      const { attempt } = signal
      const own = { to, id, box: toBox({ ...signal, from: self }), proof: proveDelivery({ attempt, id }) }
      if (!byServer(own)) return carry(own, isWanted)
      clock.setTimer(SERVER_HEAD_START_MS, () => carry(own, isWanted))
      for (const delayMs of SERVER_REPEATS_MS) clock.setTimer(delayMs, () => isWanted.aborted || byServer(own))
    },
    receive({ id, box }) {
      const signal = fromBox(box)
      if (!seen.has(id)) {
        seen.add(id)
        onSignal(signal)
      }
      return proveDelivery({ attempt: signal.attempt, id })
    },
  }
}

function toBox(signal: SimulatedSignal): Uint8Array {
  const box = new Uint8Array(SEALED_SIGNAL_BYTES)
  box.set(utf8(`${JSON.stringify(signal)}\n`))
  return box
}

function fromBox(box: Uint8Array): SimulatedSignal {
  return JSON.parse(decodeUtf8(box.subarray(0, box.indexOf(END_OF_TEXT))) ?? '') as SimulatedSignal
}
