import { createRuntime, type Runtime } from '@resilient-swarm/contract'
import { createKeyPair, type KeyPair } from '@resilient-swarm/identity'
import { type ChannelPairOptions, createChannelPair } from '@resilient-swarm/testkit'
import { createPeerTable, type PeerRecord, type PeerTable } from '../src/index.ts'

/** The same key for the same number. */
export function keyPairOf(number: number): KeyPair {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(28, number)
  return createKeyPair({ seed })
}

export const NETWORK = 'test'

export interface OpenTable {
  readonly keyPair: KeyPair
  readonly table: PeerTable
}

export async function openTable(number: number, runtime: Runtime = createRuntime()): Promise<OpenTable> {
  const keyPair = keyPairOf(number)
  return { keyPair, table: await createPeerTable({ keyPair, network: NETWORK, runtime }) }
}

/** Both replicate with each other over one channel in memory. */
export function connect(one: OpenTable, other: OpenTable, options: ChannelPairOptions = {}) {
  const [near, far] = createChannelPair(options)
  return {
    channels: [near, far] as const,
    near: one.table.replicate({ channel: near, peer: other.keyPair.peerId }),
    far: other.table.replicate({ channel: far, peer: one.keyPair.peerId }),
  }
}

/** Resolves with the first record for which `is` holds, of those that are there and those that come. */
export function whenRecord({ table }: OpenTable, is: (record: PeerRecord) => boolean): Promise<PeerRecord> {
  const there = table.records.find(is)
  if (there) return Promise.resolve(there)
  return new Promise((resolve) => {
    const before = table.onRecord
    table.onRecord = (record, introducer) => {
      before(record, introducer)
      if (is(record)) resolve(record)
    }
  })
}
