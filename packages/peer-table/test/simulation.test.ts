import { expect, it } from '@jest/globals'
import { concatBytes } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { createChannelPair, createTestRuntime } from '@resilient-swarm/testkit'
import { createSimulatedTable, encodeRecord, type RecordProof, readEnvelope } from '../src/simulation.ts'
import { keyPairOf, NETWORK } from './tables.ts'

const unsigned: RecordProof = {
  seal: (keyPair, record, network) => concatBytes(keyPair.publicKey, new Uint8Array(64), encodeRecord(record, network)),
  read: readEnvelope,
  prove: ({ key }) => key as PublicKey,
}

it('tables without PouchDB and signatures learn each other and what changes, on a virtual clock alone', async () => {
  const runtime = createTestRuntime()
  const open = (number: number) =>
    createSimulatedTable({ keyPair: keyPairOf(number), network: NETWORK, runtime, proof: unsigned })
  const [alice, bob, carol] = [await open(1), await open(2), await open(3)]
  for (const [one, other] of [
    [alice, bob],
    [bob, carol],
  ] as const) {
    const [near, far] = createChannelPair()
    one.replicate({ channel: near, peer: other.own.id })
    other.replicate({ channel: far, peer: one.own.id })
  }
  await runtime.clock.advance(1000)
  expect(alice.records).toHaveLength(3)
  await carol.publish({ info: 'news' })
  await runtime.clock.advance(1000)
  expect(alice.get(carol.own.id)?.info).toBe('news')
  await carol.close()
  await runtime.clock.advance(1000)
  expect(alice.get(carol.own.id)?.left).toBe(true)
  for (const table of [alice, bob, carol]) table.destroy()
})
