import memoryAdapter from 'pouchdb-adapter-memory'
import type { PouchModule } from './pouchdb.ts'
import { PouchDB as Replicating } from './pouchdb-replicating.ts'

export const PouchDB = Replicating.plugin(memoryAdapter)

export const adapter: PouchModule['adapter'] = 'memory'
