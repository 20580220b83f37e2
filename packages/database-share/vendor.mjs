// PouchDB's replicator alone for pages; a page loads it when a database is shared.
import { build } from 'esbuild'
import { bundlePouchdb } from '../../scripts/bundle-pouchdb.mjs'

await bundlePouchdb({
  build,
  folder: import.meta.dirname,
  file: 'replicator-browser.js',
  contents: `
    import plugin from 'pouchdb-replication'
    const host = { prototype: {} }
    plugin(host)
    export const replicate = host.replicate
  `,
})
