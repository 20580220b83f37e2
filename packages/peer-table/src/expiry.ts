import {
  CLOCK_SKEW_MS,
  FORGET_AFTER_MS,
  LIFETIME_GROWS_ABOVE_RECORDS,
  PUBLISH_BURST,
  PUBLISH_GATHER_MS,
  PUBLISH_INTERVAL_MS,
  RECORD_LIFETIME_MS,
  REPUBLISH_AFTER_FRACTION,
} from './limits.ts'

interface Times {
  readonly createdMs: number
  readonly expiresMs: number
}

/** Why a record's own times keep it out, if they do. */
export function judgeTimes({ createdMs, expiresMs }: Times, nowMs: number): 'expired' | 'future' | undefined {
  if (createdMs > nowMs + CLOCK_SKEW_MS) return 'future'
  if (expiresMs > createdMs + FORGET_AFTER_MS || expiresMs > nowMs + FORGET_AFTER_MS + CLOCK_SKEW_MS) return 'future'
  if (isExpired({ expiresMs }, nowMs)) return 'expired'
  return undefined
}

/** An expired record is handed to nobody, but remembered: its author may be worth a call. */
export function isExpired({ expiresMs }: Pick<Times, 'expiresMs'>, nowMs: number): boolean {
  return expiresMs <= nowMs
}

/** After this nothing is left of a record. One that says `left` is not worth remembering once it expired. */
export function isForgotten(record: Times & { readonly left: boolean }, nowMs: number): boolean {
  return isExpired(record, nowMs) && (record.left || record.createdMs + FORGET_AFTER_MS <= nowMs)
}

/** Never before the record that it replaces: an older one that outlives it could be played back. */
export function expiryOf(createdMs: number, { records = 0, previousMs = 0 } = {}): number {
  return Math.min(createdMs + FORGET_AFTER_MS, Math.max(createdMs + lifetimeMs(records), previousMs))
}

/** Renewing is told to everybody by everybody, so the larger the swarm the rarer it is. */
function lifetimeMs(records: number): number {
  return Math.floor(RECORD_LIFETIME_MS * Math.cbrt(Math.max(1, records / LIFETIME_GROWS_ABOVE_RECORDS)))
}

/** How long until a record is published again only so that it does not expire. `fraction` in [0, 1) spreads the nodes. */
export function refreshDelayMs({ createdMs, expiresMs }: Times, nowMs: number, fraction: number): number {
  const share = REPUBLISH_AFTER_FRACTION * (1 - fraction / 10)
  return Math.max(0, createdMs + (expiresMs - createdMs) * share - nowMs)
}

/** How many publishes may be made at once, and when the last one was: by the monotonic clock. */
export interface PublishAllowance {
  readonly tokens: number
  readonly lastMs: number
}

export function fullAllowance(nowMs: number): PublishAllowance {
  return { tokens: PUBLISH_BURST, lastMs: nowMs - PUBLISH_GATHER_MS }
}

/** How long a changed record waits: not at all, or for what else changes in this moment, or until the next one is due. */
export function publishDelayMs(allowance: PublishAllowance, nowMs: number): number {
  const tokens = tokensAt(allowance, nowMs)
  if (tokens < 1) return Math.ceil((1 - tokens) * PUBLISH_INTERVAL_MS)
  return Math.max(0, allowance.lastMs + PUBLISH_GATHER_MS - nowMs)
}

export function takePublish(allowance: PublishAllowance, nowMs: number): PublishAllowance {
  return { tokens: Math.max(0, tokensAt(allowance, nowMs) - 1), lastMs: nowMs }
}

function tokensAt({ tokens, lastMs }: PublishAllowance, nowMs: number): number {
  return Math.min(PUBLISH_BURST, tokens + Math.max(0, nowMs - lastMs) / PUBLISH_INTERVAL_MS)
}
