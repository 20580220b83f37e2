import {
  abortedError,
  fullBucket,
  type IncomingAttempt,
  type Path,
  type PeerId,
  type Runtime,
  SwarmError,
  takeToken,
} from '@resilient-swarm/contract'
import type { HandshakePlaces } from './handshake-places.ts'
import { type History, inWords } from './history.ts'
import { ATTEMPT_TIMEOUT_MS, REFUSALS_BURST, REFUSALS_PER_SECOND } from './limits.ts'
import { REFUSAL_CODES } from './refusal.ts'
import type { Offer } from './signal-router.ts'
import { withSignal } from './with-signal.ts'

export interface AnswererOptions {
  readonly runtime: Runtime
  readonly history: History
  readonly signal: AbortSignal
  readonly admit: (id: PeerId) => boolean | Promise<boolean>
  /** What to do with an offer before anything is spent on it; see `judgeOffer`. */
  readonly judge: (from: PeerId) => OfferVerdict
  readonly places: HandshakePlaces
  /** Makes the path: the transport that listens. */
  readonly answer: (attempt: IncomingAttempt) => Promise<Path>
  /** Proves the key and hands the path to the session; see `Reception`. */
  readonly welcome: (path: Path, from: PeerId, signal: AbortSignal) => Promise<unknown>
}

export type OfferVerdict = 'answer' | 'ignore' | 'busy'

/**
 * Whether to answer an offer. Two peers that dial each other at the same time keep the attempt of the larger key: the
 * larger ignores the other's offer, the smaller drops its own attempt and answers. But not once its path stands: the other
 * side may be using it by now.
 */
export function judgeOffer(facts: {
  readonly weAreDialing: boolean
  readonly ourPathStands: boolean
  readonly weAreLarger: boolean
  readonly isConnected: boolean
  readonly room: ReturnType<HandshakePlaces['room']>
  readonly handshakes: number
  readonly peers: number
  readonly peersMax: number
}): OfferVerdict {
  if (facts.weAreDialing && (facts.weAreLarger || facts.ourPathStands)) return 'ignore'
  if (facts.room === 'too many of this key') return 'ignore'
  if (facts.room === 'full') return 'busy'
  if (!facts.isConnected && facts.peers + facts.handshakes >= facts.peersMax) return 'busy'
  return 'answer'
}

/** Answers offers: at most so many at once, each within its deadline. */
export interface Answerer {
  receive(offer: Offer): void
  /** Refuses what this peer offered and is still being answered: our addresses are others now, so it leads nowhere. */
  abandon(from: PeerId): void
}

export function createAnswerer(options: AnswererOptions): Answerer {
  const { runtime, history, places, signal } = options
  const underWay = new Set<Offer>()
  const refusalRate = { perSecond: REFUSALS_PER_SECOND, burst: REFUSALS_BURST }
  let refusals = fullBucket(refusalRate, runtime.clock.monotonic())

  function endAll(): void {
    for (const { scope } of underWay) scope.abort(signal.reason)
  }
  signal.addEventListener('abort', endAll, { once: true })

  /** Said once and not too often: whoever does not hear it says its offer again, or times out. Ends the offer's line. */
  function refuse({ line, scope }: Offer, code: number): void {
    const { allowed, bucket } = takeToken(refusals, refusalRate, runtime.clock.monotonic())
    refusals = bucket
    if (allowed) line.send({ kind: 'refuse', code }).catch(() => {})
    scope.abort(refusedError())
  }

  async function answer(offer: Offer): Promise<void> {
    const { from, line, scope } = offer
    underWay.add(offer)
    const timer = runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => scope.abort(lateError()))
    let isAdmitted = true
    try {
      isAdmitted = await withSignal(Promise.resolve(options.admit(from)), scope.signal)
      if (!isAdmitted) return
      const path = await options.answer({ from, signals: line, signal: scope.signal })
      await options.welcome(path, from, scope.signal)
    } catch (error) {
      history.note(from, `their call: ${inWords(error)}`)
    } finally {
      underWay.delete(offer)
      timer.cancel()
      if (!isAdmitted && !signal.aborted) refuse(offer, REFUSAL_CODES.notAdmitted)
      else if (!scope.signal.aborted) scope.abort(abortedError(scope.signal))
    }
  }

  return {
    receive(offer) {
      const { from } = offer
      const verdict = signal.aborted ? 'ignore' : options.judge(from)
      if (verdict === 'ignore') return offer.scope.abort()
      if (verdict === 'busy') return refuse(offer, REFUSAL_CODES.busy)
      void answer(offer).finally(places.take(from))
    },
    abandon(from) {
      for (const offer of underWay) if (offer.from === from) refuse(offer, REFUSAL_CODES.moved)
    },
  }
}

function lateError(): SwarmError {
  return new SwarmError('The caller did not finish connecting in time.', { code: 'ERR_ATTEMPT_TIMEOUT', retryable: true })
}

function refusedError(): SwarmError {
  return new SwarmError('The offer was refused.', { code: 'ERR_OFFER_REFUSED' })
}
