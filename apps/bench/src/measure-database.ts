import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import replication from 'pouchdb-replication'
import { type DatabaseReplication, Swarm } from 'resilient-swarm'
import { median } from './statistics.ts'

const Pouch = Core.plugin(memoryAdapter as PouchDB.Plugin).plugin(replication as PouchDB.Plugin)
Pouch.setMaxListeners(0)

/** What the plugin adds; its types are another package's. */
interface Replicator {
  replicate(source: object, target: object): PromiseLike<unknown>
}

export interface DatabasePlan {
  readonly rounds: number
  readonly documents: number
}

let databases = 0
const openDatabase = () => new Pouch<{ text: string }>(`bench-${databases++}`, { adapter: 'memory' })
type Database = ReturnType<typeof openDatabase>

/** So many documents into a fresh database: over a data channel, and by PouchDB from one database beside it into another. */
export async function measureDatabase({
  plan,
  signalUrl,
  tell,
}: {
  plan: DatabasePlan
  signalUrl: string
  tell: (line: string) => void
}) {
  const [alice, bob] = [0, 1].map(() => new Swarm({ signals: [signalUrl] })) as [Swarm, Swarm]
  const shared: number[] = []
  const local: number[] = []
  const live: number[] = []
  try {
    await alice.call(bob.publicKey)
    for (let round = 0; round <= plan.rounds; round++) {
      const source = openDatabase()
      await source.bulkDocs(
        Array.from({ length: plan.documents }, (_, index) => ({ _id: `note ${index}`, text: 'x'.repeat(400) })),
      )
      const localMs = await timed(() => (Pouch as unknown as Replicator).replicate(source, openDatabase()))
      const name = `round ${round}`
      const admit = () => true
      const ours = alice.replicate(source, { name, admit })
      const target = openDatabase()
      let theirs: DatabaseReplication | undefined
      const sharedMs = await timed(() => {
        theirs = bob.replicate(target, { name, admit })
        return arrival(theirs, plan.documents)
      })
      const liveMs = await timed(() => Promise.all([change(target), source.put({ _id: 'live', text: 'now' })]))
      ours.cancel()
      theirs?.cancel()
      if (round === 0) continue // the first one loads the replicator
      shared.push(sharedMs)
      local.push(localMs)
      live.push(liveMs)
      tell(
        `round ${round}: ${sharedMs.toFixed(0)} ms shared, ${localMs.toFixed(0)} ms local, a live change ${liveMs.toFixed(1)} ms`,
      )
    }
  } finally {
    await Promise.all([alice.close(), bob.close()])
  }
  const ratio = median(shared) / median(local)
  return {
    databaseOverLocal: Number(ratio.toFixed(2)),
    databaseDocumentsPerSecond: Math.round((plan.documents / median(shared)) * 1_000),
    databaseLiveChangeMs: Number(median(live).toFixed(1)),
  }
}

async function timed(work: () => PromiseLike<unknown>): Promise<number> {
  const begunMs = performance.now()
  await work()
  return performance.now() - begunMs
}

function arrival(replication: DatabaseReplication, documents: number): Promise<void> {
  return new Promise((resolve) => {
    replication.on('change', ({ change }) => change.docs_written >= documents && resolve())
  })
}

function change(database: Database): Promise<void> {
  return new Promise((resolve) => {
    const feed = database.changes({ since: 'now', live: true, doc_ids: ['live'] }).on('change', () => {
      feed.cancel()
      resolve()
    })
  })
}
