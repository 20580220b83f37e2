import type { Clock, PeerId, Scope } from '@resilient-swarm/contract'
import { type Absent, chooseCalls } from './choose-links.ts'
import { MESH_INTERVAL_MS, MESH_STAYED_MS } from './limits.ts'

export interface MeshKeeperOptions {
  readonly self: PeerId
  readonly clock: Clock
  readonly scope: Scope
  readonly peersMax: number
  /** Calls under way at once. */
  readonly callsMax: number
  /** Everybody the table knows to be alive. */
  readonly known: () => readonly PeerId[]
  readonly isConnected: (id: PeerId) => boolean
  readonly isCalling: (id: PeerId) => boolean
  readonly connected: () => number
  readonly calling: () => number
  readonly call: (id: PeerId) => Promise<unknown>
}

/** Keeps the mesh whole: calls whoever is known and not connected. */
export interface MeshKeeper {
  /** Something changed: looks around soon, once however often it is told. */
  nudge(): void
}

export function createMeshKeeper(options: MeshKeeperOptions): MeshKeeper {
  const { self, clock, scope, isConnected, isCalling } = options
  const absent = new Map<PeerId, Absent>()
  /** Whom our calls have reached, since when, and after how many failures. */
  const reached = new Map<PeerId, { readonly atMs: number; readonly failures: number }>()
  let nudged = false

  function lookAround(): void {
    nudged = false
    if (scope.isClosed) return
    const nowMs = clock.monotonic()
    const missing = new Set(options.known().filter((id) => id !== self && !isConnected(id)))
    for (const id of absent.keys()) if (!missing.has(id)) absent.delete(id)
    for (const id of reached.keys()) if (!missing.has(id) && !isConnected(id)) reached.delete(id)
    for (const id of missing) {
      const before = reached.get(id)
      if (!before && absent.has(id)) continue
      reached.delete(id)
      const hasStayed = !before || nowMs - before.atMs >= MESH_STAYED_MS
      absent.set(id, { id, sinceMs: nowMs, failures: hasStayed ? 0 : before.failures + 1, failedMs: nowMs })
    }
    const chosen = chooseCalls({
      self,
      absent: [...absent.values()].filter(({ id }) => !isCalling(id)),
      connected: options.connected(),
      calling: options.calling(),
      peersMax: options.peersMax,
      callsMax: options.callsMax,
      nowMs,
    })
    for (const id of chosen) void call(id)
  }

  async function call(id: PeerId): Promise<void> {
    const failures = absent.get(id)?.failures ?? 0
    try {
      await options.call(id)
      reached.set(id, { atMs: clock.monotonic(), failures })
    } catch {
      const entry = absent.get(id)
      if (entry) absent.set(id, { ...entry, failures: entry.failures + 1, failedMs: clock.monotonic() })
    }
  }

  function tick(): void {
    lookAround()
    scope.timer(clock, MESH_INTERVAL_MS, tick)
  }
  scope.timer(clock, MESH_INTERVAL_MS, tick)

  return {
    nudge() {
      if (nudged) return
      nudged = true
      queueMicrotask(lookAround)
    },
  }
}
