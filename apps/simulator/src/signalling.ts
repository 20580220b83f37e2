import { decodeUtf8, encodeHex, type PeerId, type Runtime, SwarmError, utf8 } from '@resilient-swarm/contract'
import type { SealedBox, SignalRoute } from '@resilient-swarm/mesh'
import { SEALED_SIGNAL_BYTES } from './limits.ts'

/** What one end of an attempt tells the other. */
export interface SimulatedSignal {
  /** A probe asks nothing; that it arrives is what counts. */
  readonly kind: 'offer' | 'answer' | 'refuse' | 'probe'
  readonly attempt: string
  readonly from: PeerId
}

export interface SignallingOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly routesTo: (to: PeerId) => readonly SignalRoute[]
  readonly onSignal: (signal: SimulatedSignal) => void
}

/** Sends signals as boxes of a sealed one's size, by the routes of production. */
export interface Signalling {
  send(to: PeerId, signal: Omit<SimulatedSignal, 'from'>): Promise<void>
  receive(id: string, box: Uint8Array): void
}

const REPEATS_MS = [700, 2_000, 5_000]
const ID_BYTES = 16

export function createSignalling({ self, runtime, routesTo, onSignal }: SignallingOptions): Signalling {
  const seen = new Set<string>()

  const byAnyRoute = (box: SealedBox) => Promise.any(routesTo(box.to).map((route) => route(box)))

  return {
    async send(to, signal) {
      const box = { to, id: encodeHex(runtime.random.bytes(ID_BYTES)), box: toBox({ ...signal, from: self }) }
      for (const delayMs of REPEATS_MS) runtime.clock.setTimer(delayMs, () => void byAnyRoute(box).catch(() => {}))
      await byAnyRoute(box).catch((cause: unknown) => {
        throw new SwarmError('No route took the signal.', { code: 'ERR_SIGNAL_UNDELIVERED', cause, retryable: true })
      })
    },
    receive(id, box) {
      if (seen.has(id)) return
      seen.add(id)
      onSignal(fromBox(box))
    },
  }
}

function toBox(signal: SimulatedSignal): Uint8Array {
  const box = new Uint8Array(SEALED_SIGNAL_BYTES)
  box.set(utf8(`${JSON.stringify(signal)}\n`))
  return box
}

function fromBox(box: Uint8Array): SimulatedSignal {
  return JSON.parse(decodeUtf8(box.subarray(0, box.indexOf(10))) ?? '') as SimulatedSignal
}
