import {
  type AttemptSignal,
  concatBytes,
  type IceCandidate,
  type Path,
  type Runtime,
  Scope,
  SwarmError,
} from '@resilient-swarm/contract'
import { checkCandidate } from './candidate-gate.ts'
import { CandidateOutbox } from './candidate-outbox.ts'
import { createDataChannel, type DataChannel } from './data-channel.ts'
import { REMOTE_CANDIDATES_MAX } from './limits.ts'
import { CHANNEL_LABEL, isOurChannel, Negotiator, type NegotiatorSignal, withPlainDescriptions } from './negotiator.ts'
import type { RtcImplementation } from './rtc.ts'
import { type CheckedSdp, candidateLines, checkSdp, offeredSetup, withoutCandidates, writeSdp } from './sdp-gate.ts'
import { webrtcError } from './webrtc-error.ts'

export interface OfferAnswerOptions {
  readonly role: 'initiator' | 'responder'
  readonly rtc: RtcImplementation
  readonly configuration: RTCConfiguration
  readonly resolvesMdns: boolean
  readonly runtime: Runtime
  readonly tell: (signal: AttemptSignal) => void
  readonly onPath: (path: Path) => void
  /** The connection failed while it was being made; it is closed already. */
  readonly onFailure: (error: SwarmError) => void
}

export const PATH_KIND = 'webrtc'

/**
 * One RTCPeerConnection from its making to the path that stands on it. Making it throws ERR_WEBRTC_UNSUPPORTED where the
 * implementation makes none.
 */
export class OfferAnswer {
  readonly #options: OfferAnswerOptions
  /** Lives as long as the connection; what it has to tell the peer ends before, when the try has failed. */
  readonly #scope = new Scope()
  readonly #signalling = this.#scope.child()
  readonly #outbox: CandidateOutbox
  readonly #negotiator: Negotiator
  #channel: DataChannel | undefined
  #local: CheckedSdp | undefined
  #remote: CheckedSdp | undefined
  #early: string[] = []
  #candidatesTaken = 0
  #isSettled = false

  constructor(options: OfferAnswerOptions) {
    const { role, runtime } = options
    this.#options = options
    this.#outbox = new CandidateOutbox({
      clock: runtime.clock,
      scope: this.#signalling,
      send: (sdp, candidates) => this.#tell(sdp, candidates),
    })
    const connection = this.#connect()
    this.#signalling.listen(connection, 'icegatheringstatechange', () => {
      if (connection.iceGatheringState !== 'complete') return
      this.#outbox.finish(candidateLines(connection.localDescription?.sdp))
    })
    if (role === 'initiator') this.#scope.listen(connection, 'datachannel', () => this.#breach('opened a channel of its own'))
    this.#negotiator = new Negotiator({
      initiator: role === 'initiator',
      channelName: CHANNEL_LABEL,
      config: {
        connection,
        takeChannel: (channel) => this.#takeChannel(connection, channel),
        onFailure: (cause) => this.#fail(cause),
      },
    })
    this.#scope.add(() => this.#negotiator.destroy())
    this.#negotiator.on('signal', (signal) => this.#describe(signal))
  }

  get isMet(): boolean {
    return this.#remote !== undefined
  }

  /** Takes the peer's description; only the first counts. */
  meet(type: 'offer' | 'answer', remote: CheckedSdp): void {
    if (this.#remote || this.#isSettled) return
    this.#remote = remote
    this.#negotiator.signal({ type, sdp: remote.sdp })
    for (const line of this.#early.splice(0)) this.#addCandidate(line)
    this.takeCandidates(remote.candidates.map((candidate) => ({ candidate })))
  }

  /** Adds those of the peer's candidates that are of use, now or when its description has come. */
  takeCandidates(candidates: unknown): void {
    if (!Array.isArray(candidates)) return
    for (const each of candidates as readonly (Partial<IceCandidate> | null | undefined)[]) {
      if (this.#candidatesTaken++ >= REMOTE_CANDIDATES_MAX) return
      const line = checkCandidate(each?.candidate, { mdns: this.#options.resolvesMdns })
      if (line === undefined) continue
      if (this.#remote) this.#addCandidate(line)
      else this.#early.push(line)
    }
  }

  /** Ends it without a word, unless its path stands: that ends by its channel. */
  close(error: SwarmError = webrtcError('ERR_WEBRTC_FAILED', 'Another offer took its place.')): void {
    if (this.#isSettled) return
    this.#isSettled = true
    void this.#signalling.close()
    if (this.#channel) this.#channel.abort(error)
    else void this.#scope.close()
  }

  #connect(): RTCPeerConnection {
    const { rtc, configuration } = this.#options
    try {
      const connection = withPlainDescriptions(new rtc.RTCPeerConnection(configuration))
      this.#scope.add(() => connection.close())
      return connection
    } catch (cause) {
      throw webrtcError('ERR_WEBRTC_UNSUPPORTED', 'The WebRTC implementation made no connection; see cause.', { cause })
    }
  }

  #takeChannel(connection: RTCPeerConnection, rtc: RTCDataChannel): void {
    const isInitiator = this.#options.role === 'initiator'
    if (this.#channel || (!isInitiator && !isOurChannel(rtc))) {
      this.#breach(this.#channel ? 'opened a second channel' : 'opened a channel that is not ordered and reliable')
      return
    }
    const { runtime } = this.#options
    const channel = createDataChannel({ connection, rtc, runtime, release: () => void this.#scope.close() })
    this.#channel = channel
    void channel.opened.then(() => this.#succeed(channel))
    void channel.closed.then(({ error }) => this.#fail(error))
  }

  /** Our side of the description, as simple-peer comes to know it. */
  #describe(signal: NegotiatorSignal): void {
    if (this.#signalling.isClosed) return
    if (signal.type === 'candidate') this.#outbox.add(signal.candidate.candidate)
    else this.#describeLocally(signal)
  }

  #describeLocally(signal: NegotiatorSignal & { readonly sdp: string }): void {
    try {
      const local = checkSdp(withoutCandidates(signal.sdp))
      this.#local = local
      const sdp = signal.type === 'offer' ? writeSdp({ ...local, setup: offeredSetup(signal.sdp) }) : local.sdp
      this.#outbox.describe({ sdp, mid: local.mid })
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #tell(sdp: string | undefined, candidates: readonly IceCandidate[]): void {
    const kind = this.#options.role === 'initiator' ? 'offer' : 'answer'
    this.#options.tell(sdp === undefined ? { kind: 'candidates', candidates } : { kind, sdp, candidates })
  }

  #addCandidate(candidate: string): void {
    if (this.#signalling.isClosed) return
    const sdpMid = this.#remote?.mid ?? null
    this.#negotiator.signal({ type: 'candidate', candidate: { candidate, sdpMid, sdpMLineIndex: 0 } })
  }

  #succeed(channel: DataChannel): void {
    const [ours, theirs] = [this.#local?.fingerprint, this.#remote?.fingerprint]
    if (this.#isSettled || !ours || !theirs) return
    this.#isSettled = true
    const isInitiator = this.#options.role === 'initiator'
    const binding = isInitiator ? concatBytes(ours, theirs) : concatBytes(theirs, ours)
    this.#options.onPath({ channel, kind: PATH_KIND, binding })
  }

  /** The peer does what no peer of ours does; ends a path that stands, too. */
  #breach(what: string): void {
    const error = webrtcError('ERR_WEBRTC_PROTOCOL', `The peer ${what}.`)
    this.#channel?.abort(error)
    this.#fail(error)
  }

  #fail(cause: unknown): void {
    if (this.#isSettled) return
    this.close()
    const isOurs = cause instanceof SwarmError && cause.code !== 'ERR_WEBRTC_LOST'
    const message = 'The connection failed while it was being made; see cause, and dial again.'
    this.#options.onFailure(isOurs ? cause : webrtcError('ERR_WEBRTC_FAILED', message, { cause, retryable: true }))
  }
}
