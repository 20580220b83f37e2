import { createNewestMap, type PeerId } from '@resilient-swarm/contract'
import { TOLD_TIME_MS_MAX, TOLD_TIMES_MAX } from './limits.ts'

/** How far our clock is off, by what the peers said in their handshakes. */
export interface ToldTimes {
  /** The median of the newest peers' offsets, in ms; undefined when nobody has said anything that can be. */
  readonly offsetMs: number | undefined
  /** What this peer said last: one that comes again and again has one voice. */
  add(peer: PeerId, offsetMs: number): void
}

export function createToldTimes(): ToldTimes {
  const offsets = createNewestMap<PeerId, number>(TOLD_TIMES_MAX)
  return {
    get offsetMs() {
      return [...offsets.values()].sort((one, other) => one - other)[offsets.size >> 1]
    },
    add: (peer, offsetMs) => void offsets.set(peer, offsetMs),
  }
}

export interface OffsetsTold {
  /** By the servers that the user named. */
  readonly byServers: number | undefined
  readonly byPeers: number | undefined
  /** By a door that is being visited. */
  readonly byDoor: number | undefined
}

/**
 * Whom to believe, in ms. A door is a peer's word and one alone: it never outweighs what several have said, or one visit to a
 * liar would end every record.
 */
export function chooseOffset({ byServers, byPeers, byDoor }: OffsetsTold, clockMs: number): number {
  return believableOffset(byServers, clockMs) ?? byPeers ?? believableOffset(byDoor, clockMs) ?? 0
}

/** An offset as it is, or undefined when it leads to no time that anybody lives in: such a one is a lie or a fault. */
export function believableOffset(offsetMs: number | undefined, clockMs: number): number | undefined {
  if (offsetMs === undefined) return undefined
  const toldMs = clockMs + offsetMs
  return toldMs >= 0 && toldMs <= TOLD_TIME_MS_MAX ? offsetMs : undefined
}
