import type { Clock, PeerId } from '@resilient-swarm/contract'
import type { DialMemory } from './dial-memory.ts'
import { DIAL_PATIENCE_MS, DIAL_TIMEOUT_MS, DIALS_AT_ONCE_MAX, URGENT_DIAL_TIMEOUT_MS } from './limits.ts'

export interface MeshDiallerOptions {
  readonly clock: Clock
  readonly memory: DialMemory
  /** Calls under way at once, at the most. */
  readonly callsMax: number
  readonly call: (id: PeerId, options: { readonly timeoutMs: number }) => Promise<unknown>
  /** A dial has ended, one way or the other. */
  readonly onEnd: (id: PeerId, ended: { readonly isReached: boolean; readonly isDrawn: boolean }) => void
}

export interface MeshDial {
  /** Give up early: almost every link is lost. */
  readonly isUrgent: boolean
  /** Chosen by our own chance. */
  readonly isDrawn: boolean
}

/** The mesh's own dials under way. */
export interface MeshDialler {
  readonly size: number
  /** Of which were drawn by chance. */
  readonly drawnCount: number
  isDialling(id: PeerId): boolean
  /** How many more may begin now: few at once, and more while those before them are slow to answer. */
  room(): number
  dial(id: PeerId, dial: MeshDial): void
}

export function createMeshDialler({ clock, memory, callsMax, call, onEnd }: MeshDiallerOptions): MeshDialler {
  const underWay = new Map<PeerId, { readonly atMs: number; readonly isDrawn: boolean }>()
  let lastMs = Number.NEGATIVE_INFINITY

  async function run(id: PeerId, { isUrgent, isDrawn }: MeshDial): Promise<void> {
    let isReached = false
    try {
      await call(id, { timeoutMs: isUrgent ? URGENT_DIAL_TIMEOUT_MS : DIAL_TIMEOUT_MS })
      isReached = true
    } catch {
      // Why, is the caller's to tell; here only counts that it was so.
    }
    underWay.delete(id)
    const nowMs = clock.monotonic()
    if (isReached) memory.reached(id, nowMs)
    else memory.failed(id, nowMs)
    onEnd(id, { isReached, isDrawn })
  }

  return {
    get size() {
      return underWay.size
    },
    get drawnCount() {
      return [...underWay.values()].filter(({ isDrawn }) => isDrawn).length
    },
    isDialling: (id) => underWay.has(id),
    room() {
      const nowMs = clock.monotonic()
      const { pauseMs } = memory
      if (pauseMs > 0) return underWay.size === 0 && nowMs - lastMs >= pauseMs ? 1 : 0
      const fresh = [...underWay.values()].filter(({ atMs }) => nowMs - atMs < DIAL_PATIENCE_MS).length
      return Math.max(0, Math.min(DIALS_AT_ONCE_MAX - fresh, callsMax - underWay.size))
    },
    dial(id, dial) {
      lastMs = clock.monotonic()
      underWay.set(id, { atMs: lastMs, isDrawn: dial.isDrawn })
      void run(id, dial)
    },
  }
}
