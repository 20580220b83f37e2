import { compareBytes, type PeerId } from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import { MESH_PATIENCE_MS, MESH_RETRY_MS_MAX, MESH_RETRY_MS_MIN } from './limits.ts'

/** What a full mesh knows of somebody it is not connected to. */
export interface Absent {
  readonly id: PeerId
  /** When their record was first seen, or the connection to them ended. */
  readonly sinceMs: number
  readonly failures: number
  /** Until when they are left alone after that. */
  readonly restUntilMs: number
}

export interface FullMeshState {
  readonly self: PeerId
  readonly absent: readonly Absent[]
  readonly connected: number
  readonly calling: number
  readonly peersMax: number
  readonly callsMax: number
  readonly nowMs: number
}

/** True when `one` has the larger key: it initiates, and its attempt wins when both do. */
export function isLarger(one: PeerId, other: PeerId): boolean {
  return compareBytes(publicKeyOf(one), publicKeyOf(other)) > 0
}

/** How long to leave somebody alone after so many failures in a row. */
export function meshRetryMs(failures: number): number {
  if (failures === 0) return 0
  return Math.min(MESH_RETRY_MS_MIN * 2 ** Math.min(failures - 1, 16), MESH_RETRY_MS_MAX)
}

/**
 * Whom a full mesh calls now: everybody absent as far as there is room, fewest failures first and then longest absent, so
 * that a crowd of unreachable records never stands before a newcomer. The larger key calls at once; the smaller one only after some patience, for when the larger cannot.
 */
export function chooseCalls({ self, absent, connected, calling, peersMax, callsMax, nowMs }: FullMeshState): PeerId[] {
  const room = Math.min(peersMax - connected - calling, callsMax - calling)
  if (room <= 0) return []
  return absent
    .filter(({ id, sinceMs, restUntilMs }) => {
      const patienceMs = isLarger(self, id) ? 0 : MESH_PATIENCE_MS
      return nowMs - sinceMs >= patienceMs && nowMs >= restUntilMs
    })
    .sort((one, other) => one.failures - other.failures || one.sinceMs - other.sinceMs)
    .slice(0, room)
    .map(({ id }) => id)
}
