import type { PeerId } from '@resilient-swarm/contract'
import { chooseCalls } from './choose-calls.ts'
import type { DialMemory } from './dial-memory.ts'
import type { KnownRing } from './known-ring.ts'
import type { MeshDialler } from './mesh-dialler.ts'

export interface FullMeshOptions {
  readonly self: PeerId
  readonly peersMax: number
  readonly callsMax: number
  readonly ring: KnownRing
  readonly memory: DialMemory
  readonly dialler: MeshDialler
  readonly isAlive: (id: PeerId) => boolean
  readonly isConnected: (id: PeerId) => boolean
  readonly isCalling: (id: PeerId) => boolean
  readonly peers: () => readonly unknown[]
  readonly calling: () => number
}

/** Everybody with everybody: calls whoever is known and not connected, and lets nobody go. */
export interface FullMesh {
  /** True while somebody is missing. */
  lookAround(nowMs: number): boolean
}

export function createFullMesh(options: FullMeshOptions): FullMesh {
  const { self, ring, memory, dialler, isAlive, isConnected, isCalling } = options
  /** Since when each one is missing. The mesh is full only while few are known. */
  const missing = new Map<PeerId, number>()

  return {
    lookAround(nowMs) {
      const known = Array.from({ length: ring.size }, (_, index) => ring.at(index) as PeerId)
      const absent = new Set(known.filter((id) => !isConnected(id)))
      for (const id of missing.keys()) if (!absent.has(id)) missing.delete(id)
      for (const id of absent) {
        if (!isAlive(id)) {
          ring.delete(id)
          missing.delete(id)
        } else if (!missing.has(id)) missing.set(id, nowMs)
      }
      const chosen = chooseCalls({
        self,
        absent: [...missing]
          .filter(([id]) => !isCalling(id))
          .map(([id, sinceMs]) => ({ id, sinceMs, failures: memory.failures(id), restUntilMs: memory.restUntilMs(id) })),
        connected: options.peers().length,
        calling: options.calling(),
        peersMax: options.peersMax,
        callsMax: options.callsMax,
        nowMs,
      })
      for (const id of chosen) dialler.dial(id, { isUrgent: false, isDrawn: false })
      return missing.size > 0
    },
  }
}
