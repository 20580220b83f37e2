import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Channel, concatBytes, encodeBase64Url, lengthPrefixed, type PeerId, utf8 } from '@resilient-swarm/contract'
import { encodePeerId, type PublicKey } from '@resilient-swarm/identity'
import { createChannelPair } from '@resilient-swarm/testkit'
import { encodeRecord, type PeerRecord } from '../src/peer-record.ts'
import { revisionOf } from '../src/revision.ts'
import { encodeViewMessage, INSTANCE_BYTES, parseViewMessage, type ViewMessage } from '../src/view-messages.ts'
import { LIFETIME_MS } from './documents.ts'
import { NETWORK, type OpenTable } from './tables.ts'

/** A record that is valid in every way, of a key that nobody saw before; made by Node's own engine, thousands a second. */
export interface MadeRecord {
  readonly key: PublicKey
  readonly id: PeerId
  readonly envelope: Uint8Array
  readonly document: { readonly _id: string; readonly _rev: string; readonly envelope: string }
  again(change: Partial<PeerRecord>): MadeRecord
}

export function makeRecord(createdMs: number, change: Partial<PeerRecord> = {}): MadeRecord {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
  } as never) as unknown as { publicKey: Uint8Array; privateKey: KeyObject }
  const key = Uint8Array.from(publicKey.subarray(-32)) as PublicKey
  return seal(key, privateKey, createdMs, change)
}

function seal(key: PublicKey, privateKey: KeyObject, createdMs: number, change: Partial<PeerRecord>): MadeRecord {
  const id = encodePeerId(key)
  const expiresMs = createdMs + LIFETIME_MS
  const record: PeerRecord = { id, seq: 1, links: [], relay: false, createdMs, expiresMs, left: false, ...change }
  const payload = encodeRecord(record, NETWORK)
  const signature = Uint8Array.from(
    sign(null, concatBytes(lengthPrefixed(utf8('rs/1/record')), lengthPrefixed(payload)), privateKey),
  )
  const envelope = concatBytes(key, signature, payload)
  return {
    key,
    id,
    envelope,
    get document() {
      return { _id: `peer:${id}`, _rev: revisionOf(key, record.seq), envelope: encodeBase64Url(envelope) }
    },
    again: (next) => seal(key, privateKey, createdMs, { ...change, ...next }),
  }
}

/** A peer that speaks the protocol by hand. Everything that depends on the form of messages is in here. */
export interface Mallory {
  readonly channel: Channel
  readonly received: readonly ViewMessage[]
  /** How the table ended the replication, if it did. */
  end: number | undefined
  tellInfo(): void
  /** One change, with its envelope, at the next place of the feed. */
  tell(record: { readonly envelope: Uint8Array }): void
  /** Several in one message. */
  tellAll(envelopes: readonly Uint8Array[]): void
  /** The newest place that the table said it stored. */
  readonly doneSeq: number
  readonly feedSeq: number
}

export function connectMallory({ table }: OpenTable, peer: PeerId): Mallory {
  const [near, channel] = createChannelPair()
  const received: ViewMessage[] = []
  let doneSeq = 0
  let feedSeq = 0
  const send = (message: ViewMessage): void => void channel.send(encodeViewMessage(message))
  channel.onMessage = (bytes) => {
    const message = parseViewMessage(bytes) as ViewMessage
    if (message.type === 'done') doneSeq = message.feedSeq
    // What we are told of others is no matter here, and would only fill memory.
    else if (message.type !== 'changes') received.push(message)
  }
  const mallory: Mallory = {
    channel,
    received,
    end: undefined,
    tellInfo: () => send({ type: 'info', instance: new Uint8Array(INSTANCE_BYTES).fill(6), feedSeq: 0, count: 0 }),
    tell: ({ envelope }) => mallory.tellAll([envelope]),
    tellAll(envelopes) {
      feedSeq += envelopes.length
      send({ type: 'changes', changes: envelopes.map((envelope) => ({ step: 1, envelope })) })
    },
    get doneSeq() {
      return doneSeq
    },
    get feedSeq() {
      return feedSeq
    },
  }
  void table.replicate({ channel: near, peer }).closed.then(({ code }) => {
    mallory.end = code
  })
  return mallory
}
