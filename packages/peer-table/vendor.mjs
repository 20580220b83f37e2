// PouchDB with its IndexedDB adapter for pages; a page loads it before its peer table opens.
import { build } from 'esbuild'
import { bundlePouchdb } from '../../scripts/bundle-pouchdb.mjs'

await bundlePouchdb({
  build,
  folder: import.meta.dirname,
  file: 'pouchdb-browser.js',
  contents: `
    import Core from 'pouchdb-core'
    import replication from 'pouchdb-replication'
    import idbAdapter from 'pouchdb-adapter-idb'
    export const PouchDB = Core.plugin(idbAdapter).plugin(replication)
    PouchDB.setMaxListeners(0)
    export const adapter = 'idb'
  `,
})
