import { isExpired } from './expiry.ts'
import { DIGEST_BUCKETS_MAX, DIGEST_RECORDS_PER_BUCKET, FULL_FEED_BELOW_RECORDS } from './limits.ts'
import type { FeedItem } from './peer-index.ts'

export const SALT_BYTES = 8
/** Where the signature begins in an envelope. */
const SIGNATURE_AT = 32

/**
 * What a reader has, in a few bytes: its records fall into buckets, and each bucket has the sum of its records' prints. The salt
 * is fresh and unknown until the other side's records are fixed, so nobody can prepare records whose prints cancel out.
 */
export interface Digest {
  readonly salt: Uint8Array
  readonly sums: Uint32Array
}

export interface DigestScope {
  /** Whose records are summed up: only those that stand. */
  readonly items: Iterable<FeedItem>
  readonly nowMs: number
}

/** A power of two. A small table gets whole records where a bucket differs, so its buckets are small too. */
export function bucketCountFor(records: number): number {
  if (records < FULL_FEED_BELOW_RECORDS) return 2 ** Math.ceil(Math.log2(2 * Math.max(1, records)))
  return Math.min(DIGEST_BUCKETS_MAX, 2 ** Math.round(Math.log2(records / DIGEST_RECORDS_PER_BUCKET)))
}

export function digestOf(scope: DigestScope, salt: Uint8Array, bucketCount: number): Digest {
  return { salt, sums: sumUp(scope, salt, bucketCount) }
}

/** Whether an item lies in a bucket that differs between the reader's digest and what we have. */
export function compareDigest({ salt, sums }: Digest, scope: DigestScope): (item: FeedItem) => boolean {
  const ours = sumUp(scope, salt, sums.length)
  const place = saltWords(salt)
  return ({ words }) => {
    const bucket = keyMix(words, place) & (sums.length - 1)
    return ours[bucket] !== sums[bucket]
  }
}

function sumUp({ items, nowMs }: DigestScope, salt: Uint8Array, bucketCount: number): Uint32Array {
  const words = saltWords(salt)
  const sums = new Uint32Array(bucketCount)
  for (const item of items) {
    if (isExpired(item.record, nowMs)) continue
    const key = keyMix(item.words, words)
    const bucket = key & (bucketCount - 1)
    sums[bucket] = (sums[bucket] as number) + printOf(item, key, words)
  }
  return sums
}

/** The first two words of the key, and of the signature: read once a record, for every link sums up all of them. */
export type ItemWords = readonly [number, number, number, number]

export function wordsOf({ publicKey, envelope }: Pick<FeedItem, 'publicKey' | 'envelope'>): ItemWords {
  return [wordAt(publicKey, 0), wordAt(publicKey, 4), wordAt(envelope, SIGNATURE_AT), wordAt(envelope, SIGNATURE_AT + 4)]
}

type SaltWords = readonly [number, number]

function saltWords(salt: Uint8Array): SaltWords {
  return [wordAt(salt, 0), wordAt(salt, 4)]
}

/** By key, seq and signature, so that two bodies of one seq differ. No hash that resists anything once the salt is known. */
function printOf({ words, record }: FeedItem, key: number, salt: SaltWords): number {
  const low = words[2] ^ record.seq
  const high = words[3]
  return mixWord(mixWord(mixWord(key ^ salt[1]) ^ low) ^ high ^ salt[0]) >>> 0
}

/** The bucket is chosen by the key alone: a newer record changes one sum. */
function keyMix(words: ItemWords, salt: SaltWords): number {
  return mixWord(mixWord(words[0] ^ salt[0]) ^ words[1] ^ salt[1])
}

/** The finalizer of MurmurHash3: each bit of the word touches each bit of the result. */
function mixWord(word: number): number {
  let mixed = word
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return mixed ^ (mixed >>> 16)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
