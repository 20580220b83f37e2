/** How much is left, and when that was true. */
export interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

/** `perSecond` tokens flow in, at most `burst` are kept. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** A full bucket. */
export function fullBucket(rate: Rate, atMs: number): Bucket {
  return { tokens: rate.burst, atMs }
}

/** Takes one token: `allowed` says whether there was one. Pure; time that goes back adds nothing. */
export function takeToken(bucket: Bucket, rate: Rate, nowMs: number): { readonly allowed: boolean; readonly bucket: Bucket } {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs)
  const tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000)
  if (tokens < 1) return { allowed: false, bucket: { tokens, atMs: nowMs } }
  return { allowed: true, bucket: { tokens: tokens - 1, atMs: nowMs } }
}
