import type { PouchModule } from './pouchdb.ts'

/** Pages have no folders. */
export function openFolder(_folder: string): PouchModule {
  throw new TypeError('folder is for Node: a page keeps its table in IndexedDB by itself, under its key')
}
