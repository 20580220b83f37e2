import type { PeerId } from '@resilient-swarm/contract'
import { isPeerId } from '@resilient-swarm/identity'
import { parseOrigin } from '@resilient-swarm/signal-exchange/protocol'
import { DOORS_MAX, MET_MAX } from './limits.ts'

/** A server that a node can try again: one that it was registered at, or the door of a peer that it was connected to. */
export interface KnownDoor {
  readonly url: string
  /** Whose door it is, by that peer's own record; nobody's for a plain signal server. */
  readonly peer?: PeerId
  /** We were registered there once. */
  readonly worked: boolean
}

/** What a node's next life is to know besides its table. */
export interface Memory {
  /** Newest first. */
  readonly doors: readonly KnownDoor[]
  /** Whom we were connected to, newest first. */
  readonly met: readonly PeerId[]
}

export const NO_MEMORY: Memory = { doors: [], met: [] }
const VERSION = 1

export function encodeMemory({ doors, met }: Memory): string {
  return JSON.stringify({ version: VERSION, doors, met })
}

/** Undefined for what is no memory of this version. */
export function parseMemory(text: string): Memory | undefined {
  let parsed: { version?: unknown; doors?: unknown; met?: unknown } | null
  try {
    parsed = JSON.parse(text) as typeof parsed
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed?.version !== VERSION) return undefined
  const { doors, met } = parsed
  if (!Array.isArray(doors) || !Array.isArray(met) || !doors.every(isKnownDoor) || !met.every(isPeerId)) return undefined
  return {
    doors: doors.slice(0, DOORS_MAX).map(({ url, peer, worked }) => ({ url, ...(peer === undefined ? {} : { peer }), worked })),
    met: met.slice(0, MET_MAX),
  }
}

function isKnownDoor(value: unknown): value is KnownDoor {
  if (typeof value !== 'object' || value === null) return false
  const { url, peer, worked } = value as Record<string, unknown>
  return parseOrigin(url) === url && (peer === undefined || isPeerId(peer)) && typeof worked === 'boolean'
}
