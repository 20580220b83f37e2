import memoryAdapter from 'pouchdb-adapter-memory'
import type { PouchModule } from './pouchdb.ts'
import { ownPouchDB } from './pouchdb-own.ts'

export const PouchDB = ownPouchDB(memoryAdapter)

export const adapter: PouchModule['adapter'] = 'memory'
