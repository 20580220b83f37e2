import type { PeerId, Runtime, Scope } from '@resilient-swarm/contract'
import { SHARER_RETRY_MS_MAX, SHARER_RETRY_MS_MIN, SHARERS_CALLED_AT_ONCE_MAX, SHARERS_INTERVAL_MS } from './limits.ts'

/** What the swarm knows of a peer: its record stands, it said goodbye, or neither. */
export type Standing = 'alive' | 'left' | 'unknown'

/** Of somebody on a list. */
export interface ListedSharer {
  readonly id: PeerId
  readonly standing: Standing
  /** Calls in a row after which it did not share. */
  readonly failures: number
  /** Not called before this. */
  readonly restUntilMs: number
  readonly isConnected: boolean
  /** Drawn once, so that everybody who has the same list begins with others of it. */
  readonly lot: number
}

/** Whom to call now: those known to be alive first, by their lots; nobody who left, rests or is there. */
export function chooseSharersToCall(
  listed: readonly ListedSharer[],
  { room, nowMs }: { readonly room: number; readonly nowMs: number },
): PeerId[] {
  const rank = ({ standing, lot }: ListedSharer) => (standing === 'alive' ? 0 : 1) + lot
  return listed
    .filter(({ isConnected, standing, restUntilMs }) => !isConnected && standing !== 'left' && restUntilMs <= nowMs)
    .sort((one, other) => rank(one) - rank(other))
    .slice(0, Math.max(0, room))
    .map(({ id }) => id)
}

/** How long a listed peer is let be: twice as long after each call that did not make it share. `fraction` spreads those who have the same list. */
export function sharerRestMs({ failures, fraction }: { readonly failures: number; readonly fraction: number }): number {
  return Math.min(SHARER_RETRY_MS_MAX, SHARER_RETRY_MS_MIN * 2 ** (failures - 1)) * (0.75 + fraction / 2)
}

export interface SharerCallsOptions {
  /** With whom the database is shared by key, without ourselves. */
  readonly listed: readonly PeerId[]
  readonly runtime: Runtime
  readonly scope: Scope
  /** How many more may be called to stay. */
  readonly room: () => number
  readonly standing: (id: PeerId) => Standing
  readonly isConnected: (id: PeerId) => boolean
  /** Settles when the peer is connected, or was not reached. */
  readonly call: (id: PeerId) => Promise<unknown>
}

/** Calls those who are listed until enough of them share, politely; works from its making until the scope closes. */
export interface SharerCalls {
  /** This peer shares: the next time that it is missing it is called at once. */
  shares(id: PeerId): void
}

interface Memory {
  readonly lot: number
  wasAlive: boolean
  failures: number
  restUntilMs: number
}

export function createSharerCalls(options: SharerCallsOptions): SharerCalls {
  const { runtime, scope, standing } = options
  const { clock, random } = runtime
  const memories = new Map<PeerId, Memory>()
  for (const id of options.listed) {
    memories.set(id, { lot: random.fraction(), wasAlive: false, failures: 0, restUntilMs: 0 })
  }
  const calling = new Set<PeerId>()

  /** One that is heard of again has not failed yet in this life. */
  function look(id: PeerId, memory: Memory): ListedSharer {
    const now = standing(id)
    if (now === 'alive' && !memory.wasAlive) Object.assign(memory, { failures: 0, restUntilMs: 0 })
    memory.wasAlive = now === 'alive'
    return { ...memory, id, standing: now, isConnected: calling.has(id) || options.isConnected(id) }
  }

  function lookAround(): void {
    const nowMs = clock.monotonic()
    const room = Math.min(options.room(), SHARERS_CALLED_AT_ONCE_MAX) - calling.size
    const listed = [...memories].map(([id, memory]) => look(id, memory))
    for (const id of chooseSharersToCall(listed, { room, nowMs })) void call(id, memories.get(id) as Memory)
    scope.timer(clock, SHARERS_INTERVAL_MS * (0.75 + random.fraction() / 2), lookAround)
  }

  async function call(id: PeerId, memory: Memory): Promise<void> {
    calling.add(id)
    try {
      await options.call(id)
    } catch {
      // Noted where calls are: `swarm.why` tells.
    } finally {
      calling.delete(id)
      // Reached or not, it has failed until it shares: one that is there without sharing is let go, and called ever more seldom.
      memory.failures++
      memory.restUntilMs = clock.monotonic() + sharerRestMs({ failures: memory.failures, fraction: random.fraction() })
    }
  }

  if (memories.size > 0) lookAround()
  return {
    shares(id) {
      const memory = memories.get(id)
      if (memory) Object.assign(memory, { failures: 0, restUntilMs: 0 })
    },
  }
}
