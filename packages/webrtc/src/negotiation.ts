import {
  type AttemptSignal,
  abortedError,
  concatBytes,
  type IceCandidate,
  type Path,
  type Runtime,
  Scope,
  type SignalLine,
  SwarmError,
} from '@resilient-swarm/contract'
import { checkCandidate } from './candidate-gate.ts'
import { CandidateOutbox } from './candidate-outbox.ts'
import { createDataChannel, type DataChannel } from './data-channel.ts'
import { REMOTE_CANDIDATES_MAX } from './limits.ts'
import { CHANNEL_LABEL, isOurChannel, Negotiator, type NegotiatorSignal, withPlainDescriptions } from './negotiator.ts'
import { REFUSE_CODES, refusalWords } from './refusal.ts'
import type { RtcImplementation } from './rtc.ts'
import { type CheckedSdp, checkSdp, withoutCandidates, writeSdp } from './sdp-gate.ts'
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

export const PATH_KIND = 'webrtc'

/** One offer-answer try: resolves when messages can flow, rejects with a SwarmError after everything was cleaned up. */
export function negotiate(options: NegotiationOptions): Promise<Path> {
  return new Negotiation(options).path
}

class Negotiation {
  readonly path: Promise<Path>
  readonly #options: NegotiationOptions
  /** Lives as long as the connection, `#attempt` until the path stands or the try failed. */
  readonly #scope = new Scope()
  readonly #attempt = this.#scope.child()
  readonly #outbox: CandidateOutbox
  #resolve: (path: Path) => void = () => {}
  #reject: (error: SwarmError) => void = () => {}
  #negotiator: Negotiator | undefined
  #channel: DataChannel | undefined
  #local: CheckedSdp | undefined
  #remote: CheckedSdp | undefined
  #early: string[] = []
  #candidatesTaken = 0

  constructor(options: NegotiationOptions) {
    const { role, runtime, signals, signal, connectTimeoutMs } = options
    this.#options = options
    this.path = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { clock } = runtime
    this.#outbox = new CandidateOutbox({ clock, scope: this.#scope, send: (sdp, candidates) => this.#tell(sdp, candidates) })
    this.#attempt.listen(signal, 'abort', () => this.#cancel())
    this.#attempt.timer(clock, connectTimeoutMs, () => this.#timeOut())
    if (role === 'initiator') this.#start()
    signals.onSignal = (received) => this.#receive(received)
  }

  #start(): void {
    const { rtc, configuration, role } = this.#options
    try {
      const connection = withPlainDescriptions(new rtc.RTCPeerConnection(configuration))
      this.#scope.add(() => connection.close())
      this.#scope.listen(connection, 'icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') this.#outbox.finish()
      })
      if (role === 'initiator') this.#scope.listen(connection, 'datachannel', () => this.#breach('opened a channel of its own'))
      const takeChannel = (channel: RTCDataChannel) => this.#takeChannel(connection, channel)
      const negotiator = new Negotiator({
        initiator: role === 'initiator',
        channelName: CHANNEL_LABEL,
        config: { connection, takeChannel },
      })
      this.#scope.add(() => negotiator.destroy())
      negotiator.on('signal', (signal) => this.#describe(signal))
      negotiator.on('error', (cause) => this.#failFor(cause))
      this.#negotiator = negotiator
    } catch (cause) {
      this.#refuse(REFUSE_CODES.unsupported)
      this.#fail(webrtcError('ERR_WEBRTC_UNSUPPORTED', 'The WebRTC implementation made no connection; see cause.', { cause }))
    }
  }

  #takeChannel(connection: RTCPeerConnection, rtc: RTCDataChannel): void {
    if (this.#channel) return this.#breach('opened a second channel')
    if (!isOurChannel(rtc)) return this.#breach('opened a channel that is not ordered and reliable')
    const { runtime } = this.#options
    const channel = createDataChannel({ connection, rtc, runtime, release: () => void this.#scope.close() })
    this.#channel = channel
    void channel.opened.then(() => this.#succeed(channel))
    void channel.closed.then(({ error }) => this.#failFor(error))
  }

  /** Our side of the description, as simple-peer comes to know it. */
  #describe(signal: NegotiatorSignal): void {
    if (this.#scope.isClosed) return
    if (signal.type === 'candidate') return this.#outbox.add(signal.candidate.candidate)
    try {
      const local = checkSdp(withoutCandidates(signal.sdp))
      this.#local = local
      // The offerer is the DTLS client: an answerer's first flight would reach node-datachannel before its ICE is connected,
      // be dropped, and be sent again a whole second later.
      const sdp = signal.type === 'offer' ? writeSdp({ ...local, setup: 'active' }) : local.sdp
      this.#outbox.describe({ sdp, mid: local.mid })
    } catch (cause) {
      this.#failFor(cause)
    }
  }

  #tell(sdp: string | undefined, candidates: readonly IceCandidate[]): void {
    const { role, signals, runtime } = this.#options
    const kind = role === 'initiator' ? 'offer' : 'answer'
    const signal: AttemptSignal = sdp === undefined ? { kind: 'candidates', candidates } : { kind, sdp, candidates }
    signals.send(signal).catch((cause: unknown) => {
      if (sdp === undefined) runtime.log.debug('Later candidates were not sent.', { attempt: signals.attempt })
      else this.#failFor(cause)
    })
  }

  /** Everything in `signal` is the peer's; its shape was promised, not checked. */
  #receive(signal: AttemptSignal): void {
    if (this.#scope.isClosed) return
    const expected = this.#options.role === 'initiator' ? 'answer' : 'offer'
    if (signal.kind === 'refuse') return this.#refused(signal.code)
    if (signal.kind === expected && !this.#remote) this.#meet(expected, signal.sdp)
    if (signal.kind === expected || signal.kind === 'candidates') this.#takeCandidates(signal.candidates)
  }

  #meet(type: 'offer' | 'answer', sdp: unknown): void {
    try {
      const remote = checkSdp(sdp)
      if (type === 'answer' && remote.setup === 'actpass') {
        throw webrtcError('ERR_WEBRTC_SDP', 'The answer leaves the DTLS roles open; the peer has to choose one.')
      }
      this.#remote = remote
      if (type === 'offer') this.#start()
      this.#negotiator?.signal({ type, sdp: remote.sdp })
      for (const line of this.#early.splice(0)) this.#addCandidate(line)
      this.#takeCandidates(remote.candidates.map((line) => ({ candidate: `candidate:${line}` })))
    } catch (error) {
      this.#refuse(REFUSE_CODES.sdp)
      this.#failFor(error)
    }
  }

  #takeCandidates(candidates: unknown): void {
    if (!Array.isArray(candidates)) return
    for (const each of candidates as readonly (Partial<IceCandidate> | null | undefined)[]) {
      if (this.#candidatesTaken++ >= REMOTE_CANDIDATES_MAX) return
      const line = checkCandidate(each?.candidate, { mdns: this.#options.resolvesMdns })
      if (line === undefined) continue
      if (this.#remote) this.#addCandidate(line)
      else this.#early.push(line)
    }
  }

  #addCandidate(candidate: string): void {
    const sdpMid = this.#remote?.mid ?? null
    this.#negotiator?.signal({ type: 'candidate', candidate: { candidate, sdpMid, sdpMLineIndex: 0 } })
  }

  #succeed(channel: DataChannel): void {
    const [local, remote] = [this.#local?.fingerprint, this.#remote?.fingerprint]
    if (this.#attempt.isClosed || !local || !remote) return
    void this.#attempt.close()
    const isInitiator = this.#options.role === 'initiator'
    const binding = isInitiator ? concatBytes(local, remote) : concatBytes(remote, local)
    this.#resolve({ channel, kind: PATH_KIND, binding })
  }

  #cancel(): void {
    this.#refuse(REFUSE_CODES.cancelled)
    this.#fail(abortedError(this.#options.signal))
  }

  #timeOut(): void {
    const seconds = this.#options.connectTimeoutMs / 1000
    const message = this.#remote
      ? `No way through the networks between us and the peer was found in ${seconds} s; a TURN server in iceServers may help.`
      : `The peer did not answer in ${seconds} s; it may be offline or not listening.`
    this.#fail(webrtcError('ERR_WEBRTC_TIMEOUT', message, { retryable: true }))
  }

  #refused(code: unknown): void {
    this.#fail(webrtcError('ERR_WEBRTC_REFUSED', `The peer refused the connection: ${refusalWords(code)}.`, { retryable: true }))
  }

  /** Tells the peer not to wait; whether it hears that does not matter. */
  #refuse(code: number): void {
    if (this.#attempt.isClosed) return
    this.#options.signals.send({ kind: 'refuse', code }).catch(() => {})
  }

  /** The peer does what no peer of ours does. */
  #breach(what: string): void {
    const error = webrtcError('ERR_WEBRTC_PROTOCOL', `The peer ${what}.`)
    this.#channel?.abort(error)
    this.#fail(error)
  }

  #failFor(cause: unknown): void {
    if (cause instanceof SwarmError && cause.code !== 'ERR_WEBRTC_LOST') return this.#fail(cause)
    const message = 'The connection failed while it was being made; see cause, and dial again.'
    this.#fail(webrtcError('ERR_WEBRTC_FAILED', message, { cause, retryable: true }))
  }

  #fail(error: SwarmError): void {
    if (this.#attempt.isClosed) return
    void this.#scope.close()
    this.#channel?.abort(error)
    this.#reject(error)
  }
}
