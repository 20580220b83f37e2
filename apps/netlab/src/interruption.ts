import type { Cast } from './cast.ts'
import type { PathFacts } from './node-host.ts'
import { all, atMost, type Bar, quantile } from './scenario.ts'
import type { Received } from './transfer.ts'

const MIB = 1024 * 1024
const TRANSFER_BYTES = 64 * MIB
const STRIKE_AT_BYTES = 16 * MIB
const TRANSFER_MS = 120_000
const P50_MS_MAX = 700
const P95_MS_MAX = 1_500

/** A transfer during which something happened, as the receiving application saw it. */
export interface Interruption extends Received {
  /** The very bytes that were sent, each once. */
  readonly isWhole: boolean
  readonly before: PathFacts | undefined
  readonly after: PathFacts | undefined
}

export interface InterruptionOptions {
  /** What happens once the transfer is well under way; it is told the path that alice sends on. */
  readonly strike: (path: PathFacts | undefined) => Promise<void>
  readonly bytes?: number
  readonly strikeAtBytes?: number
  /** Without: as fast as the path takes it. */
  readonly bytesPerSecond?: number
  readonly timeoutMs?: number
}

/** Sends from alice to bob, who are connected, and strikes in the middle. Rejects when the transfer does not arrive. */
export async function interrupt(
  { alice, bob }: Pick<Cast, 'alice' | 'bob'>,
  options: InterruptionOptions,
): Promise<Interruption> {
  const { bytes = TRANSFER_BYTES, strikeAtBytes = STRIKE_AT_BYTES, timeoutMs = TRANSFER_MS, strike, bytesPerSecond } = options
  let before: PathFacts | undefined
  const struck = bob.arrived(strikeAtBytes, { timeoutMs }).then(async () => {
    before = await alice.path(bob.key)
    await strike(before)
  })
  const receiving = bob.received({ timeoutMs })
  const sending = alice.send(bob.key, { bytes, seed: strikeAtBytes, ...(bytesPerSecond ? { bytesPerSecond } : {}) })
  const [sent, received] = await Promise.all([sending, receiving, struck])
  const isWhole = received.bytes === bytes && received.sha256 === sent.sha256
  const lateMs = Math.max(sent.lateMs, received.lateMs)
  return { ...received, isWhole, lateMs, before, after: await alice.path(bob.key) }
}

/** What is promised of a path that dies under a transfer. */
export function interruptionBars(seen: readonly Interruption[]): readonly Bar[] {
  const gapsMs = seen.map(({ longestGapMs }) => longestGapMs)
  return [
    all(
      'transfers that arrived whole',
      seen.map(({ isWhole }) => isWhole),
    ),
    atMost('interruption p50', quantile(gapsMs, 0.5), P50_MS_MAX, 'ms'),
    atMost('interruption p95', quantile(gapsMs, 0.95), P95_MS_MAX, 'ms'),
  ]
}

export function interruptionRow(round: number, { before, after, isWhole, longestGapMs, lateMs, tookMs }: Interruption) {
  return {
    round,
    before: before?.kind ?? 'none',
    after: after?.kind ?? 'none',
    whole: isWhole,
    'interruption, ms': Math.round(longestGapMs),
    'machine late, ms': Math.round(lateMs),
    'transfer, ms': Math.round(tookMs),
  }
}
