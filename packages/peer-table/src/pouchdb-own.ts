import Core from 'pouchdb-core'
import replication from 'pouchdb-replication'
import type { PouchConstructor } from './pouchdb.ts'

/**
 * A PouchDB that nobody else plugs into: `pouchdb-core` takes the replicator only once, and the application may have given it one.
 * Adapters are known to all that stem from `pouchdb-core`, as often as they are plugged in.
 */
export function ownPouchDB(adapter: unknown): PouchConstructor {
  const Pouch = Core as unknown as PouchConstructor & { defaults(options: object): PouchConstructor }
  Pouch.plugin(adapter)
  const Own = Pouch.defaults({})
  const plugIn = replication as unknown as (pouch: PouchConstructor) => void
  plugIn(Own)
  // Each open database listens on the constructor; that is no leak.
  Own.setMaxListeners(0)
  return Own
}
