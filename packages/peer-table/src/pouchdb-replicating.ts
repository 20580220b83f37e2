import Core from 'pouchdb-core'
import replication from 'pouchdb-replication'
import type { PouchConstructor } from './pouchdb.ts'

/** In Node: PouchDB with its replicator. Adding that a second time throws, and the application may have done so already. */
const core = Core as unknown as PouchConstructor
export const PouchDB = typeof core.replicate === 'function' ? core : core.plugin(replication)
// Each open database listens on the constructor; that is no leak.
PouchDB.setMaxListeners(0)
