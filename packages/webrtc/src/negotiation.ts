import {
  type AttemptSignal,
  abortedError,
  type Path,
  type Runtime,
  Scope,
  type SignalLine,
  SwarmError,
} from '@resilient-swarm/contract'
import { OFFERS_MAX, REMOTE_CANDIDATES_MAX } from './limits.ts'
import { OfferAnswer } from './offer-answer.ts'
import { REFUSE_CODES, refusalWords } from './refusal.ts'
import type { RtcImplementation } from './rtc.ts'
import { checkAnswer, checkSdp } from './sdp-gate.ts'
import { webrtcError } from './webrtc-error.ts'

export interface NegotiationOptions {
  readonly role: 'initiator' | 'responder'
  readonly rtc: RtcImplementation
  readonly configuration: RTCConfiguration
  readonly resolvesMdns: boolean
  readonly connectTimeoutMs: number
  readonly runtime: Runtime
  readonly signals: SignalLine
  readonly signal: AbortSignal
}

/** One attempt: resolves when messages can flow, rejects with a SwarmError after everything was cleaned up. */
export function negotiate(options: NegotiationOptions): Promise<Path> {
  return new Negotiation(options).path
}

class Negotiation {
  readonly path: Promise<Path>
  readonly #options: NegotiationOptions
  readonly #scope = new Scope()
  #resolve: (path: Path) => void = () => {}
  #reject: (error: SwarmError) => void = () => {}
  #current: OfferAnswer | undefined
  #offerCount = 0
  #lastOffer: unknown
  #lastFailure: SwarmError | undefined
  #early: unknown[] = []

  constructor(options: NegotiationOptions) {
    const { role, runtime, signals, signal, connectTimeoutMs } = options
    this.#options = options
    this.path = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#scope.listen(signal, 'abort', () => this.#cancel())
    this.#scope.timer(runtime.clock, connectTimeoutMs, () => this.#timeOut())
    if (role === 'initiator') this.#offer()
    signals.onSignal = (received) => this.#receive(received)
  }

  /** A connection for another offer: ours, or the peer's. */
  #begin(): OfferAnswer {
    this.#offerCount++
    const { role, rtc, configuration, resolvesMdns, runtime } = this.#options
    this.#current = new OfferAnswer({
      role,
      rtc,
      configuration,
      resolvesMdns,
      runtime,
      tell: (signal) => this.#tell(signal),
      onPath: (path) => this.#succeed(path),
      onFailure: (error) => this.#retry(error),
    })
    return this.#current
  }

  #offer(): void {
    try {
      this.#begin()
    } catch (error) {
      this.#fail(error)
    }
  }

  #tell(signal: AttemptSignal): void {
    const { signals, runtime } = this.#options
    signals.send(signal).catch((error: unknown) => {
      if (signal.kind === 'candidates') runtime.log.debug('Later candidates were not sent.', { attempt: signals.attempt })
      else this.#fail(error)
    })
  }

  /** Everything in `signal` is the peer's; its shape was promised, not checked. */
  #receive(signal: AttemptSignal): void {
    const { role } = this.#options
    if (signal.kind === 'refuse') this.#refused(signal.code)
    else if (signal.kind === 'candidates') this.#takeCandidates(signal.candidates)
    else if (signal.kind === 'offer' && role === 'responder') this.#answer(signal)
    else if (signal.kind === 'answer' && role === 'initiator') this.#meet(signal)
  }

  #answer({ sdp, candidates }: AttemptSignal & { readonly kind: 'offer' }): void {
    if (this.#scope.isClosed || sdp === this.#lastOffer || this.#offerCount >= OFFERS_MAX) return
    this.#lastOffer = sdp
    try {
      const remote = checkSdp(sdp)
      this.#current?.close()
      const current = this.#begin()
      current.meet('offer', remote)
      current.takeCandidates(candidates)
      current.takeCandidates(this.#early.splice(0))
    } catch (error) {
      this.#refuse(error instanceof SwarmError && error.code === 'ERR_WEBRTC_SDP' ? REFUSE_CODES.sdp : REFUSE_CODES.unsupported)
      this.#fail(error)
    }
  }

  #meet({ sdp, candidates }: AttemptSignal & { readonly kind: 'answer' }): void {
    if (this.#scope.isClosed) return
    try {
      this.#current?.meet('answer', checkAnswer(sdp))
      this.#current?.takeCandidates(candidates)
    } catch (error) {
      this.#refuse(REFUSE_CODES.sdp)
      this.#fail(error)
    }
  }

  /** They may overtake the offer, for signals go by several routes. */
  #takeCandidates(candidates: unknown): void {
    if (this.#current) this.#current.takeCandidates(candidates)
    else if (Array.isArray(candidates)) this.#early.push(...candidates.slice(0, REMOTE_CANDIDATES_MAX - this.#early.length))
  }

  #retry(error: SwarmError): void {
    this.#lastFailure = error
    if (error.code !== 'ERR_WEBRTC_FAILED' || this.#offerCount >= OFFERS_MAX || !this.#current?.isMet) {
      this.#refuse(REFUSE_CODES.failed)
      this.#fail(error)
    } else if (this.#options.role === 'initiator') {
      this.#options.runtime.log.debug('The connection failed early; offering another.', { cause: String(error.cause) })
      this.#offer()
    }
    // The responder waits for the other offer.
  }

  #succeed(path: Path): void {
    if (this.#scope.isClosed) return
    void this.#scope.close()
    this.#resolve(path)
  }

  #cancel(): void {
    this.#refuse(REFUSE_CODES.cancelled)
    this.#fail(abortedError(this.#options.signal))
  }

  #timeOut(): void {
    const seconds = this.#options.connectTimeoutMs / 1000
    const message = this.#current?.isMet
      ? `No way through the networks between us and the peer was found in ${seconds} s; a TURN server in iceServers may help.`
      : `The peer did not answer in ${seconds} s; it may be offline or not listening.`
    this.#fail(webrtcError('ERR_WEBRTC_TIMEOUT', message, { cause: this.#lastFailure, retryable: true }))
  }

  #refused(code: unknown): void {
    this.#fail(webrtcError('ERR_WEBRTC_REFUSED', `The peer refused the connection: ${refusalWords(code)}.`, { retryable: true }))
  }

  /** Tells the peer not to wait; whether it hears that does not matter. */
  #refuse(code: number): void {
    if (this.#scope.isClosed) return
    this.#options.signals.send({ kind: 'refuse', code }).catch(() => {})
  }

  #fail(error: unknown): void {
    if (this.#scope.isClosed) return
    void this.#scope.close()
    this.#current?.close()
    const message = 'The signals to the peer failed; see cause, and dial again.'
    this.#reject(
      error instanceof SwarmError ? error : webrtcError('ERR_WEBRTC_FAILED', message, { cause: error, retryable: true }),
    )
  }
}
