import { createNewestMap } from './newest-map.ts'
import { type Bucket, fullBucket, type Rate, takeToken } from './token-bucket.ts'

/** One bucket a key: each peer, or address, has the rate for itself. */
export interface KeyedRate<Key> {
  /** Takes one token of this key's; false: it has none. `nowMs` is of a clock that does not go back. */
  take(key: Key, nowMs: number): boolean
  /** Keys that are remembered. */
  readonly size: number
}

/** Remembers `keysMax` keys; whoever took none for longest is forgotten, and has a full bucket when it comes back. */
export function createKeyedRate<Key>({ rate, keysMax }: { readonly rate: Rate; readonly keysMax: number }): KeyedRate<Key> {
  const buckets = createNewestMap<Key, Bucket>(keysMax)
  return {
    take(key, nowMs) {
      const { allowed, bucket } = takeToken(buckets.get(key) ?? fullBucket(rate, nowMs), rate, nowMs)
      buckets.set(key, bucket)
      return allowed
    },
    get size() {
      return buckets.size
    },
  }
}
