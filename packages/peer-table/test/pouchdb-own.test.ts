import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createRuntime } from '@resilient-swarm/contract'
import Core from 'pouchdb-core'
import replication from 'pouchdb-replication'
import { createPeerTable, type PeerTable } from '../src/index.ts'
import { keyPairOf, NETWORK } from './tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'pouchdb-own-'))
const open: PeerTable[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((table) => table.close()))
  rmSync(folder, { recursive: true, force: true })
})

describe('PouchDB of our own', () => {
  it('serves a table in a folder and one in memory, in a process whose application replicates by pouchdb-core itself', async () => {
    const Pouch = Core as unknown as { plugin(plugin: unknown): unknown }
    Pouch.plugin(replication)
    for (const place of [{ folder }, {}]) {
      open.push(
        await createPeerTable({ keyPair: keyPairOf(open.length + 1), network: NETWORK, runtime: createRuntime(), ...place }),
      )
    }
    for (const table of open) expect((await table.db.allDocs()).rows).toHaveLength(1)
  })
})
