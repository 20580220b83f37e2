import { abortedError, type IncomingAttempt, type Path, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import { type History, inWords } from './history.ts'
import { ATTEMPT_TIMEOUT_MS, HANDSHAKES_PENDING_MAX } from './limits.ts'
import type { ConnectedPeer } from './peer.ts'
import { REFUSAL_CODES } from './refusal.ts'
import type { Offer } from './signal-router.ts'

export interface AnswererOptions<Remote> {
  readonly runtime: Runtime
  readonly history: History
  readonly signal: AbortSignal
  readonly admit: (id: PeerId) => boolean | Promise<boolean>
  /** What to do with an offer before anything is spent on it; see `judgeOffer`. */
  readonly judge: (from: PeerId, pending: number) => OfferVerdict
  /** Makes the path: the transport that listens. */
  readonly answer: (attempt: IncomingAttempt) => Promise<Path>
  readonly connect: (path: Path, from: PeerId, signal: AbortSignal) => Promise<ConnectedPeer<Remote>>
  readonly onPeer: (peer: ConnectedPeer<Remote>) => void
}

export type OfferVerdict = 'answer' | 'ignore' | 'busy'

/**
 * Whether to answer an offer. Two peers that dial each other at the same time keep the attempt of the larger key: the
 * larger ignores the other's offer, the smaller drops its own attempt and answers.
 */
export function judgeOffer(facts: {
  readonly weAreDialing: boolean
  readonly weAreLarger: boolean
  readonly isConnected: boolean
  readonly pending: number
  readonly peers: number
  readonly peersMax: number
}): OfferVerdict {
  if (facts.weAreDialing && facts.weAreLarger) return 'ignore'
  if (facts.pending >= HANDSHAKES_PENDING_MAX) return 'busy'
  if (!facts.isConnected && facts.peers + facts.pending >= facts.peersMax) return 'busy'
  return 'answer'
}

/** Answers offers: at most so many at once, each within its deadline. */
export function createAnswerer<Remote>(options: AnswererOptions<Remote>): (offer: Offer) => void {
  const { runtime, history, signal } = options
  let pending = 0

  async function refuse({ line, scope }: Offer, code: number): Promise<void> {
    await line.send({ kind: 'refuse', code }).catch(() => {}) // they will time out instead
    scope.abort()
  }

  async function answer(offer: Offer): Promise<void> {
    const { from, line, scope } = offer
    const end = () => scope.abort(signal.reason)
    signal.addEventListener('abort', end, { once: true })
    const timer = runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => scope.abort(lateError()))
    try {
      if (!(await options.admit(from))) return await refuse(offer, REFUSAL_CODES.notAdmitted)
      const path = await options.answer({ from, signals: line, signal: scope.signal })
      options.onPeer(await options.connect(path, from, scope.signal))
    } catch (error) {
      history.note(from, `their call: ${inWords(error)}`)
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', end)
      if (!scope.signal.aborted) scope.abort(abortedError(scope.signal))
    }
  }

  return (offer) => {
    const verdict = signal.aborted ? 'ignore' : options.judge(offer.from, pending)
    if (verdict === 'ignore') return offer.scope.abort()
    if (verdict === 'busy') return void refuse(offer, REFUSAL_CODES.busy)
    pending++
    void answer(offer).finally(() => pending--)
  }
}

function lateError(): SwarmError {
  return new SwarmError('The caller did not finish connecting in time.', { code: 'ERR_ATTEMPT_TIMEOUT', retryable: true })
}
