import plugin from 'pouchdb-replication'
import type { Replicate } from './replicator.ts'

// The plugin hangs its functions on a constructor that it is given; they need no PouchDB behind it.
const host = { prototype: {} } as { prototype: object; replicate?: Replicate }
;(plugin as (pouch: object) => void)(host)

export const replicate = host.replicate as Replicate
