import { type Clock, type Scope, SwarmError } from '@resilient-swarm/contract'
import type { Acquaintances } from './acquaintances.ts'
import type { Calls } from './calls.ts'
import type { Circuits } from './circuits.ts'
import type { DirectDialler } from './direct-dialler.ts'
import type { DoorKeeper } from './door-keeper.ts'
import type { Home } from './home.ts'
import { CLOSE_TIMEOUT_MS, RELAY_DRAIN_MS } from './limits.ts'
import type { ConnectedPeer } from './peer.ts'
import { PEER_CODES } from './peer-codes.ts'
import type { Signalling } from './signalling.ts'
import type { TableLink } from './table-link.ts'

/** Everything of a node that ends with it. */
export interface GoodbyeOptions {
  readonly clock: Clock
  readonly scope: Scope
  readonly calls: Calls<unknown>
  readonly dialler: DirectDialler
  readonly circuits: Circuits
  readonly acquaintances: Acquaintances
  readonly table: TableLink
  readonly doors: DoorKeeper
  readonly home: Home
  readonly signalling: Signalling
  readonly peers: () => readonly ConnectedPeer<unknown>[]
}

/** How a node ends: with a goodbye to everybody, within a second even when nobody answers, or at once. Both idempotent. */
export interface Goodbye {
  close(): Promise<void>
  destroy(): void
}

export function createGoodbye(options: GoodbyeOptions): Goodbye {
  const { clock, scope, calls, dialler, circuits, acquaintances, table, doors, home, signalling } = options
  let closing: Promise<void> | undefined
  let left: Promise<void> | undefined

  /** Nothing new begins. */
  function stop(): Promise<void> {
    const ended = scope.close()
    const kept = doors.close()
    calls.close(closedError())
    dialler.close(closedError())
    return Promise.all([ended, kept]).then(() => undefined)
  }

  async function sayGoodbye(): Promise<void> {
    const ended = stop()
    const peers = options.peers()
    await Promise.all([table.close(), circuits.drain(RELAY_DRAIN_MS)])
    // Those behind a relay first: their goodbye still goes through it.
    await closeSessions(peers.filter(({ isDirect }) => !isDirect))
    await closeSessions(peers)
    await Promise.all([circuits.close(), signalling.close(), ended])
  }

  async function closeSessions(peers: readonly ConnectedPeer<unknown>[]): Promise<void> {
    for (const { session } of peers) session.close({ by: 'us', code: PEER_CODES.finished })
    await Promise.all(peers.map(({ session }) => session.closed))
  }

  function within(timeoutMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(timeoutMs, resolve)
      void work
        .catch(() => {})
        .then(() => {
          timer.cancel()
          resolve()
        })
    })
  }

  function destroy(): void {
    closing ??= Promise.resolve()
    void stop()
    acquaintances.abort(closedError())
    void circuits.close()
    table.destroy()
    void signalling.close()
    left ??= Promise.all([table.ended(), doors.close()]).then(home.leave, home.leave)
  }

  async function leave(): Promise<void> {
    await within(CLOSE_TIMEOUT_MS, sayGoodbye())
    destroy()
    // Whoever waits for `close` may open the folder again.
    if (left) await within(CLOSE_TIMEOUT_MS, left)
  }

  return {
    close() {
      closing ??= leave()
      return closing
    },
    destroy,
  }
}

export function closedError(): SwarmError<'ERR_SWARM_CLOSED'> {
  return new SwarmError('The swarm was closed.', { code: 'ERR_SWARM_CLOSED' })
}
