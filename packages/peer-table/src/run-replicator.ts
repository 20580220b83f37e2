import type { Clock, Scope } from '@resilient-swarm/contract'
import { RUN_REFUSALS_MAX, RUN_RETRIES_MAX, RUN_RETRY_MS } from './limits.ts'
import type { Replication } from './pouchdb.ts'

export interface RunnerOptions {
  readonly start: () => Replication
  readonly clock: Clock
  readonly scope: Scope
  /** It failed too often in a row. */
  readonly onFailed: (cause: unknown) => void
}

/** Keeps PouchDB's replicator running until the scope closes: anew from its checkpoint after a failure, or when it grew fat. */
export function runReplicator({ start, clock, scope, onFailed }: RunnerOptions): void {
  let failures = 0

  function run(): void {
    if (scope.isClosed) return
    let refusals = 0
    let ended = false
    const replication = start()
    const stop = (): void => {
      ended = true
      forget()
      replication.cancel()
    }
    const forget = scope.add(stop)
    replication.on('change', () => {
      failures = 0
    })
    // PouchDB keeps every refusal for its final result, and copies them all with every batch.
    replication.on('denied', () => {
      refusals++
    })
    replication.on('checkpoint', (step) => {
      if (ended || refusals < RUN_REFUSALS_MAX || !isWritten(step)) return
      stop()
      run()
    })
    replication.on('error', (cause) => {
      if (ended) return
      stop()
      if (++failures > RUN_RETRIES_MAX) onFailed(cause)
      else scope.timer(clock, RUN_RETRY_MS * 2 ** (failures - 1), run)
    })
  }

  run()
}

/** PouchDB tells several steps by this event; one of them is a checkpoint that was written. */
function isWritten(step: unknown): boolean {
  return typeof step === 'object' && step !== null && 'checkpoint' in step
}
