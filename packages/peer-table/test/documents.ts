import { concatBytes, encodeBase64Url } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import type { PeerRecord } from '../src/index.ts'
import { encodeRecord } from '../src/peer-record.ts'
import { documentIdOf, sealRecord } from '../src/record-envelope.ts'
import { revisionOf } from '../src/revision.ts'
import { NETWORK } from './tables.ts'

export const LIFETIME_MS = 15 * 60_000

export function recordOf(keyPair: KeyPair, change: Partial<PeerRecord> = {}): PeerRecord {
  const createdMs = change.createdMs ?? Date.now()
  return {
    id: keyPair.peerId,
    seq: 1,
    links: [],
    relay: false,
    createdMs,
    expiresMs: createdMs + LIFETIME_MS,
    left: false,
    ...change,
  }
}

/** A document as an honest author's table writes it. */
export function documentOf(keyPair: KeyPair, change: Partial<PeerRecord> = {}, network = NETWORK) {
  const record = recordOf(keyPair, change)
  return documentOfEnvelope(keyPair, sealRecord(keyPair, record, network), record.seq)
}

export function documentOfEnvelope(keyPair: KeyPair, envelope: Uint8Array, seq = 1) {
  return {
    _id: documentIdOf(keyPair.peerId),
    _rev: revisionOf(keyPair.publicKey, seq),
    envelope: encodeBase64Url(envelope),
  }
}

/** An envelope put together by hand, so that each part can be wrong. */
export function envelopeBy({
  author,
  signer = author,
  domain = 'rs/1/record',
  payload,
}: {
  author: KeyPair
  signer?: KeyPair
  domain?: 'rs/1/record' | 'rs/1/register'
  payload?: Uint8Array
}): Uint8Array {
  const body = payload ?? encodeRecord(recordOf(author), NETWORK)
  return concatBytes(author.publicKey, signer.sign(domain, body), body)
}
