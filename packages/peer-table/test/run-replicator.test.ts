import { beforeEach, describe, expect, it } from '@jest/globals'
import { Scope } from '@resilient-swarm/contract'
import { createTestRuntime, type TestRuntime } from '@resilient-swarm/testkit'
import { createAdmittingDatabase } from '../src/admitting-database.ts'
import { RUN_REFUSALS_MAX, RUN_RETRIES_MAX, RUN_RETRY_MS } from '../src/limits.ts'
import type { Replication } from '../src/pouchdb.ts'
import type { RemoteView } from '../src/remote-view.ts'
import { runReplicator } from '../src/run-replicator.ts'

interface FakeRun {
  emit(event: string, detail?: unknown): void
  cancelled: number
}

let runtime: TestRuntime
let scope: Scope
let runs: FakeRun[]
let failed: unknown[]

beforeEach(() => {
  runtime = createTestRuntime()
  scope = new Scope()
  runs = []
  failed = []
  const start = (): Replication => {
    const listeners = new Map<string, (detail: unknown) => void>()
    const run = { emit: (event: string, detail?: unknown) => listeners.get(event)?.(detail), cancelled: 0 }
    runs.push(run)
    return { on: (event, listener) => listeners.set(event, listener), cancel: () => run.cancelled++ }
  }
  runReplicator({ start, clock: runtime.clock, scope, onFailed: (cause) => failed.push(cause) })
})
const last = (): FakeRun => runs.at(-1) as FakeRun

describe('the running replicator', () => {
  it('starts anew after a failure, later each time, and gives up in the end', async () => {
    const error = new Error('no')
    for (let failure = 0; failure < RUN_RETRIES_MAX; failure++) {
      last().emit('error', error)
      await runtime.clock.advance(RUN_RETRY_MS * 2 ** failure - 1)
      expect(runs).toHaveLength(failure + 1)
      await runtime.clock.advance(1)
      expect(runs).toHaveLength(failure + 2)
    }
    expect(failed).toEqual([])
    last().emit('error', error)
    expect(failed).toEqual([error])
    expect(runtime.clock.pending).toBe(0)
  })

  it('forgets failures when something was written in between', async () => {
    for (let failure = 0; failure < 3 * RUN_RETRIES_MAX; failure++) {
      last().emit('error', new Error('no'))
      await runtime.clock.advance(RUN_RETRY_MS)
      last().emit('change', {})
    }
    expect(failed).toEqual([])
  })

  it('starts anew at a checkpoint when PouchDB holds too many refusals', () => {
    for (let count = 0; count < RUN_REFUSALS_MAX - 1; count++) last().emit('denied')
    last().emit('checkpoint', { checkpoint: 1 })
    expect(runs).toHaveLength(1)
    last().emit('denied')
    last().emit('checkpoint', { revs_diff: {} })
    expect(runs).toHaveLength(1)
    last().emit('checkpoint', { checkpoint: 2 })
    expect(runs.map(({ cancelled }) => cancelled)).toEqual([1, 0])
  })

  it('is cancelled with its scope, and does not come back', async () => {
    last().emit('error', new Error('no'))
    await scope.close()
    await runtime.clock.advance(60_000)
    expect(runs.map(({ cancelled }) => cancelled)).toEqual([1])
    expect(runtime.clock.pending).toBe(0)
  })
})

describe('the database that the replicator writes into', () => {
  const view = { since: 0, info: Promise.resolve(), rowsAfter: () => [] } as unknown as RemoteView
  const checkpoints: number[] = []
  const database = createAdmittingDatabase({
    id: 'alice',
    view,
    admit: async (documents) => documents.map((_, at) => (at === 1 ? 'signature' : undefined)),
    isWanted: () => true,
    onCheckpoint: (feedSeq) => checkpoints.push(feedSeq),
  }) as { bulkDocs(docs: object): Promise<unknown>; get(id: string): Promise<object>; put(document: object): Promise<unknown> }

  it('tells the replicator of refusals as forbidden, which it survives, and of nothing else', async () => {
    expect(await database.bulkDocs({ docs: [{ _id: 'a' }, { _id: 'b' }, { _id: 'a' }] })).toEqual([
      { id: 'b', error: 'forbidden', name: 'forbidden', status: 403, message: 'signature' },
    ])
  })

  it('has no checkpoint at first, then the one that was put', async () => {
    await expect(database.get('_local/x')).rejects.toMatchObject({ status: 404 })
    await database.put({ _id: '_local/x', last_seq: 9 })
    expect(await database.get('_local/x')).toEqual({ _id: '_local/x', last_seq: 9 })
    expect(checkpoints).toEqual([9])
  })
})
