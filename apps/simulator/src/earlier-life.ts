import type { KeyPair } from '@resilient-swarm/identity'
import { type RecordProof, toDocument } from '@resilient-swarm/peer-table/simulation'
import { BEGIN_MS } from './node-runtime.ts'

/** How long before the simulation earlier lives ended. */
const EARLIER_MS = 600_000

/** The document that an earlier life of a node would have left with everybody. */
export function documentOfEarlierLife({ keyPair, network, proof }: EarlierLife): unknown {
  const times = { createdMs: BEGIN_MS - EARLIER_MS, expiresMs: BEGIN_MS + EARLIER_MS }
  const record = { id: keyPair.peerId, seq: 1, links: [], relay: true, left: false, ...times }
  return toDocument({ record, publicKey: keyPair.publicKey, envelope: proof.seal(keyPair, record, network) })
}

interface EarlierLife {
  readonly keyPair: KeyPair
  readonly network: string
  readonly proof: RecordProof
}
