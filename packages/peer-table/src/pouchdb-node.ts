import memoryAdapter from 'pouchdb-adapter-memory'
import Core from 'pouchdb-core'
import replication from 'pouchdb-replication'
import type { PouchConstructor, PouchModule } from './pouchdb.ts'

export const PouchDB = (Core as unknown as PouchConstructor).plugin(memoryAdapter).plugin(replication)
// Each open database listens on the constructor; that is no leak.
PouchDB.setMaxListeners(0)

export const adapter: PouchModule['adapter'] = 'memory'
