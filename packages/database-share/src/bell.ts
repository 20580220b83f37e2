import type { Clock, Scope } from '@resilient-swarm/contract'
import type { PouchDatabase } from './database.ts'
import { BELL_RETRY_MS } from './limits.ts'

export interface BellOptions {
  readonly database: PouchDatabase
  readonly clock: Clock
  readonly scope: Scope
}

/** Rings whenever our database changes. What changed is read in pages by whoever is asked for it, so nothing gathers here. */
export interface Bell {
  /** Calls back until the returned function is called. */
  onRing(this: void, listener: () => void): () => void
}

export function createBell({ database, clock, scope }: BellOptions): Bell {
  const listeners = new Set<() => void>()
  const ring = (): void => {
    for (const listener of [...listeners]) listener()
  }

  async function listen(): Promise<void> {
    const { update_seq: since } = await database.info()
    if (scope.isClosed) return
    const feed = database.changes({ since, live: true, return_docs: false })
    const forget = scope.add(() => feed.cancel())
    feed.on('change', ring)
    try {
      ring() // what came before the feed began
      await feed
    } finally {
      forget()
    }
  }

  /** A remote database's feed ends with its connection. */
  function keepListening(): void {
    listen()
      .catch(() => {})
      .finally(() => {
        if (!scope.isClosed) scope.timer(clock, BELL_RETRY_MS, keepListening)
      })
  }
  keepListening()

  return {
    onRing(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
