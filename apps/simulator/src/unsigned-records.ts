import { concatBytes, encodeVarint, equalBytes } from '@resilient-swarm/contract'
import type { PublicKey } from '@resilient-swarm/identity'
import { encodeRecord, type RecordProof, readEnvelope, type UnverifiedRecord } from '@resilient-swarm/peer-table/simulation'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** Versions of one author that are under way at the same time. */
const VERSIONS_KEPT = 8

/**
 * Records in production's own form, with a signature's length of zeros in its place. What was read once is not read again: every
 * node of the simulation shares one copy, or a thousand tables of a thousand records would be a million of them.
 */
export function createUnsignedRecords(): RecordProof {
  const read = new Map<string, UnverifiedRecord[]>()

  function versionsOf(envelope: Uint8Array): UnverifiedRecord[] {
    const author = nameOfBytes(envelope)
    const versions = read.get(author) ?? []
    read.set(author, versions)
    return versions
  }

  return {
    seal(keyPair, record, network) {
      // The counter stands in the signature's place, so that two versions differ early.
      const counter = encodeVarint(record.seq)
      const rest = new Uint8Array(SIGNATURE_BYTES - counter.byteLength)
      return concatBytes(keyPair.publicKey, counter, rest, encodeRecord(record, network))
    },
    read(envelope) {
      const versions = versionsOf(envelope)
      const known = versions.find((version) => equalBytes(version.envelope, envelope))
      if (known) return known
      const fresh = readEnvelope(envelope)
      if (typeof fresh === 'string') return fresh
      versions.unshift(fresh)
      versions.length = Math.min(versions.length, VERSIONS_KEPT)
      return fresh
    },
    prove: ({ key }) => key as PublicKey,
  }
}

/** The author's first bytes: enough to tell the nodes of a simulation apart. */
function nameOfBytes(envelope: Uint8Array): string {
  return String.fromCharCode(...envelope.subarray(0, Math.min(KEY_BYTES, 8)))
}
