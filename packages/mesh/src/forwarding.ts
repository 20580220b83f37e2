import {
  type Bucket,
  decodeBase64Url,
  encodeBase64Url,
  fullBucket,
  type PeerId,
  type Runtime,
  SwarmError,
  takeToken,
} from '@resilient-swarm/contract'
import { isPeerId } from '@resilient-swarm/identity'
import { FORWARDERS_MAX, FORWARDS_BURST, FORWARDS_PER_SECOND } from './limits.ts'
import type { SealedBox, SignalRoute } from './sealed-box.ts'

/** A connected peer as forwarding sees it. */
export interface Neighbour {
  readonly id: PeerId
  readonly rttMs: number | undefined
  signal(to: PeerId, id: string, box: string): Promise<unknown>
}

/** Which neighbours to ask: those that say they are linked to the target first, nearest first, the others after them. */
export function chooseForwarders<Candidate extends { readonly rttMs: number | undefined; readonly isLinked: boolean }>(
  candidates: readonly Candidate[],
): Candidate[] {
  const far = Number.POSITIVE_INFINITY
  return [...candidates]
    .sort((one, other) => Number(other.isLinked) - Number(one.isLinked) || (one.rttMs ?? far) - (other.rttMs ?? far) || 0)
    .slice(0, FORWARDERS_MAX)
}

/** A route for sealed boxes through one neighbour. */
export function routeThrough(neighbour: Neighbour): SignalRoute {
  return async ({ to, id, box }) => {
    await neighbour.signal(to, id, encodeBase64Url(box))
  }
}

export interface ForwarderOptions {
  readonly self: PeerId
  readonly runtime: Runtime
  readonly find: (id: PeerId) => Neighbour | undefined
  readonly receive: (box: SealedBox) => void
}

const BOX_TEXT_MAX = 16_384 // the largest sealed signal is 8 KiB padded, a third more as text
const ID = /^[0-9a-f]{32}$/

/**
 * The built-in rpc method `signal` for one neighbour: takes boxes for us, and hands others on to the very peer they are
 * for when it is connected to us. One hop, so nothing can go in circles; within the neighbour's budget.
 */
export function createForwarder({ self, runtime, find, receive }: ForwarderOptions) {
  const rate = { perSecond: FORWARDS_PER_SECOND, burst: FORWARDS_BURST }
  let bucket: Bucket = fullBucket(rate, runtime.clock.monotonic())
  return async (to: unknown, id: unknown, box: unknown): Promise<null> => {
    const taken = takeToken(bucket, rate, runtime.clock.monotonic())
    bucket = taken.bucket
    if (!taken.allowed) throw new SwarmError('Too many signals in a second.', { code: 'ERR_SIGNAL_RATE', retryable: true })
    if (!isPeerId(to) || typeof id !== 'string' || !ID.test(id) || typeof box !== 'string' || box.length > BOX_TEXT_MAX) {
      throw new SwarmError('A signal is (key, id, box).', { code: 'ERR_SIGNAL_MALFORMED' })
    }
    if (to === self) {
      const bytes = decodeBase64Url(box)
      if (!bytes) throw new SwarmError('The box is not base64url.', { code: 'ERR_SIGNAL_MALFORMED' })
      receive({ to, id, box: bytes })
      return null
    }
    const next = find(to)
    if (!next) throw new SwarmError('Not connected to that peer.', { code: 'ERR_SIGNAL_NO_ROUTE', retryable: true })
    await next.signal(to, id, box)
    return null
  }
}
