import type { Scope } from '@resilient-swarm/contract'
import { BATCH_CHANGES_MAX, BATCH_SHRINK, RUN_REFUSALS_MAX } from './limits.ts'
import type { RemoteDatabase } from './remote-database.ts'
import type { Replicate, Replication } from './replicator.ts'

export interface RunnerOptions {
  readonly replicate: Replicate
  /** A source for one run, whose batches have so many changes. */
  readonly openSource: (batchChanges: number) => RemoteDatabase
  readonly target: object
  readonly scope: Scope
  readonly onPaused: () => void
  readonly onActive: () => void
  readonly onFailed: (cause: unknown) => void
}

/** Keeps PouchDB's replicator running until the scope closes or it fails: anew from its checkpoint when a batch was too large, or it grew fat. */
export function runReplicator(options: RunnerOptions): void {
  const { replicate, openSource, target, scope } = options
  let batchChanges = BATCH_CHANGES_MAX

  function run(): void {
    if (scope.isClosed) return
    const remote = openSource(batchChanges)
    // `target`: the checkpoint is written on our side only. `all_docs`: conflicts travel too.
    const settings = {
      live: true,
      retry: false,
      batch_size: batchChanges,
      batches_limit: 2,
      checkpoint: 'target',
      style: 'all_docs',
    }
    const replication: Replication = replicate(remote.source, target, settings)
    let refusals = 0
    let ended = false
    const stop = (): void => {
      ended = true
      forget()
      replication.cancel()
    }
    const forget = scope.add(stop)
    const whileRunning = (listener: (detail: unknown) => void) => (detail: unknown) => {
      if (!ended) listener(detail)
    }
    replication.on('paused', whileRunning(options.onPaused))
    replication.on('active', whileRunning(options.onActive))
    // PouchDB keeps every refusal for its final result, and copies them all with every batch.
    replication.on(
      'denied',
      whileRunning(() => refusals++),
    )
    replication.on(
      'checkpoint',
      whileRunning((step) => {
        const written = writtenPlace(step)
        if (!written) return
        remote.done(written.checkpoint)
        if (refusals < RUN_REFUSALS_MAX) return
        stop()
        run()
      }),
    )
    replication.on(
      'error',
      whileRunning((cause) => {
        stop()
        if (!remote.wasTooLarge) return options.onFailed(cause)
        batchChanges = Math.max(1, Math.floor(batchChanges / BATCH_SHRINK))
        run()
      }),
    )
  }

  run()
}

/** PouchDB tells several steps by this event; one of them is a checkpoint that was written. */
function writtenPlace(step: unknown): { readonly checkpoint: unknown } | undefined {
  return typeof step === 'object' && step !== null && 'checkpoint' in step ? (step as { checkpoint: unknown }) : undefined
}
