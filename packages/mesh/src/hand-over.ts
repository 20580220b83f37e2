import { type Clock, createNewestMap, type PeerId } from '@resilient-swarm/contract'
import { isProof } from './acknowledge.ts'
import {
  FORWARDERS_RATED_MAX,
  HOP_PATIENCE_MS,
  HOP_TIMEOUT_MS_DEFAULT,
  HOP_TIMEOUT_MS_MAX,
  HOP_TIMEOUT_MS_MIN,
  SILENT_REST_MS,
} from './limits.ts'
import type { Neighbour, TravellingSignal } from './neighbour.ts'

/** What a neighbour made of a signal. `silent`: nobody knows; it may have it, and may hand it on later. */
export type HandOver = { readonly kind: 'taken' | 'refused' | 'silent' } | { readonly kind: 'delivered'; readonly proof: string }

/** How long a neighbour may take to answer. */
export function hopTimeoutMs(rttMs: number | undefined): number {
  if (rttMs === undefined) return HOP_TIMEOUT_MS_DEFAULT
  return Math.min(Math.max(HOP_TIMEOUT_MS_MIN, 2 * rttMs + HOP_PATIENCE_MS), HOP_TIMEOUT_MS_MAX)
}

/** Hands signals to neighbours and remembers who fell silent. */
export interface Hands {
  handOver(next: Neighbour, signal: TravellingSignal): Promise<HandOver>
  isSilent(id: PeerId): boolean
}

export function createHands(clock: Clock): Hands {
  const silentSinceMs = createNewestMap<PeerId, number>(FORWARDERS_RATED_MAX)

  return {
    handOver(next, signal) {
      const timeoutMs = hopTimeoutMs(next.rttMs)
      return new Promise((resolve) => {
        const timer = clock.setTimer(timeoutMs, () => {
          silentSinceMs.set(next.id, clock.monotonic())
          resolve({ kind: 'silent' })
        })
        const settle = (outcome: HandOver) => {
          timer.cancel()
          silentSinceMs.delete(next.id)
          resolve(outcome)
        }
        // rpc forgets the call a little later, so that silence is never taken for a refusal.
        next.signal(signal, { timeoutMs: timeoutMs + HOP_PATIENCE_MS }).then(
          (answer) => settle(readAnswer(answer)),
          () => settle({ kind: 'refused' }),
        )
      })
    },
    isSilent(id) {
      const sinceMs = silentSinceMs.get(id)
      return sinceMs !== undefined && clock.monotonic() - sinceMs < SILENT_REST_MS
    },
  }
}

function readAnswer(answer: unknown): HandOver {
  if (answer === null) return { kind: 'taken' }
  return isProof(answer) ? { kind: 'delivered', proof: answer } : { kind: 'refused' }
}
