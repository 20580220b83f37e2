import { decodeUtf8, encodeHex, type PeerId, type Runtime, utf8 } from '@resilient-swarm/contract'
import { type OwnSignal, proveDelivery, type SealedBox, type SwarmSignals } from '@resilient-swarm/mesh'
import {
  MESH_ROUNDS_MAX,
  MESH_ROUNDS_UNSERVED_MAX,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  SEALED_SIGNAL_BYTES,
  SERVER_HEAD_START_MS,
  SERVER_HEAD_START_PATIENT_MS,
  SERVER_REPEATS_MS,
  SIGNAL_LIFETIME_MS,
} from './limits.ts'

/** What one end of an attempt tells the other. A probe asks nothing; that it arrives is what counts. */
export interface SimulatedSignal {
  readonly kind: 'offer' | 'answer' | 'refuse' | 'probe'
  readonly attempt: string
  readonly from: PeerId
}

export interface SignallingOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  /** By the signal server: whether the receiver was online; undefined where no server can be reached. */
  readonly byServer: (box: SealedBox) => Promise<boolean> | undefined
  readonly isServed: () => boolean
  readonly throughSwarm: SwarmSignals['carry']
  readonly onSignal: (signal: SimulatedSignal) => void
}

export interface SendOptions {
  /** Fires when the other end has been heard, or the attempt is over. */
  readonly isWanted: AbortSignal
  readonly purpose: 'call' | 'mesh' | 'answer'
}

/** Sends signals as boxes of a sealed one's size, by the routes of the facade's signal router and with its patience. */
export interface Signalling {
  send(to: PeerId, signal: Omit<SimulatedSignal, 'from'>, options: SendOptions): void
  /** Returns the proof that the box was opened. */
  receive(box: { readonly id: string; readonly box: Uint8Array }): string
}

const ID_BYTES = 16
const END_OF_TEXT = 10

export function createSignalling({ self, runtime, byServer, isServed, throughSwarm, onSignal }: SignallingOptions): Signalling {
  const { clock } = runtime
  const seen = new Set<string>()

  function carry(own: OwnSignal, { isWanted, purpose }: SendOptions, isUnserved = false): void {
    const roundsMax = purpose === 'mesh' ? (isUnserved ? MESH_ROUNDS_UNSERVED_MAX : MESH_ROUNDS_MAX) : Number.POSITIVE_INFINITY
    if (!isWanted.aborted) throughSwarm(own, { signal: isWanted, roundsMax }).catch(() => {})
  }

  /** `takenByServers` of the facade: again and again for as long as the signal is valid. */
  async function keepOffering(own: OwnSignal, { isWanted, purpose, onFailure }: SendOptions & { onFailure: () => void }) {
    const giveUpMs = clock.monotonic() + SIGNAL_LIFETIME_MS
    for (let delayMs = RETRY_DELAY_MS_MIN; !isWanted.aborted; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
      if (await byServer(own)) return
      onFailure()
      if (purpose === 'mesh') return
      if (clock.monotonic() + delayMs > giveUpMs) return
      await new Promise<void>((resolve) => void clock.setTimer(delayMs, resolve))
    }
  }

  return {
    send(to, signal, options) {
      const { isWanted, purpose } = options
      const id = encodeHex(runtime.random.bytes(ID_BYTES))
      const { attempt } = signal
      const own = { to, id, box: toBox({ ...signal, from: self }), proof: proveDelivery({ attempt, id }) }
      if (!isServed()) return carry(own, options)
      let isCarried = false
      const carryOnce = ({ isUnserved }: { isUnserved: boolean }) => {
        if (!isCarried) carry(own, options, isUnserved)
        isCarried = true
      }
      clock.setTimer(purpose === 'call' ? SERVER_HEAD_START_MS : SERVER_HEAD_START_PATIENT_MS, () =>
        carryOnce({ isUnserved: false }),
      )
      void keepOffering(own, { ...options, onFailure: () => carryOnce({ isUnserved: true }) })
      for (const delayMs of SERVER_REPEATS_MS) clock.setTimer(delayMs, () => isWanted.aborted || void byServer(own))
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
