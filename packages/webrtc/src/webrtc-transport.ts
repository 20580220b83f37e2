import {
  abortedError,
  type DialContext,
  type IncomingAttempt,
  type ListenContext,
  type Path,
  type PeerId,
  type Runtime,
  Scope,
  type SignalLine,
  type Transport,
} from '@resilient-swarm/contract'
import { defaultRtc } from '#default-rtc'
import { CONNECT_TIMEOUT_MS } from './limits.ts'
import { negotiate } from './negotiation.ts'
import { PATH_KIND } from './offer-answer.ts'
import { REFUSE_CODES } from './refusal.ts'
import type { RtcImplementation } from './rtc.ts'
import { webrtcError } from './webrtc-error.ts'

/** What `webrtc()` may be told; everything has a default. */
export interface WebrtcOptions {
  /** Another WebRTC implementation, such as `@roamhq/wrtc`. Default: the browser's own; in Node node-datachannel. */
  readonly rtc?: RtcImplementation
  /** STUN and TURN servers. Default: none, so nobody outside learns of a connection. */
  readonly iceServers?: readonly RTCIceServer[]
  /** `relay`: over TURN only, which hides our addresses from the peer. Default `all`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy
  /** From the first signal to an open channel, in ms. */
  readonly connectTimeoutMs?: number
}

const OPTIONS: ReadonlySet<string> = new Set([
  'rtc',
  'iceServers',
  'iceTransportPolicy',
  'connectTimeoutMs',
] satisfies (keyof WebrtcOptions)[])

/** WebRTC data channels as paths. The implementation is loaded with the first dial or offer, never before. */
export function webrtc(options: WebrtcOptions = {}): Transport {
  checkOptions(options)
  return new WebrtcTransport(options)
}

interface Attempt {
  readonly role: 'initiator' | 'responder'
  readonly runtime: Runtime
  readonly signals: SignalLine
  readonly signal: AbortSignal
}

class WebrtcTransport implements Transport {
  readonly name = PATH_KIND
  readonly #options: WebrtcOptions
  #loading: Promise<RtcImplementation> | undefined

  constructor(options: WebrtcOptions) {
    this.#options = options
  }

  dial(_target: PeerId, { runtime, signals, signal }: DialContext): Promise<Path> {
    return this.#connect({ role: 'initiator', runtime, signals, signal })
  }

  listen({ runtime, onAttempt }: ListenContext): { close(): void } {
    const scope = new Scope()
    onAttempt(({ signals, signal }: IncomingAttempt) => {
      if (scope.isClosed) {
        signals.send({ kind: 'refuse', code: REFUSE_CODES.cancelled }).catch(() => {})
        return Promise.reject(webrtcError('ERR_WEBRTC_CLOSED', 'The transport no longer listens; listen again to be reached.'))
      }
      const either = AbortSignal.any([signal, scope.signal])
      return this.#connect({ role: 'responder', runtime, signals, signal: either })
    })
    return { close: () => void scope.close() }
  }

  async #connect(attempt: Attempt): Promise<Path> {
    const { iceServers = [], iceTransportPolicy = 'all', connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options
    if (attempt.signal.aborted) throw abortedError(attempt.signal)
    const rtc = await this.#load()
    if (attempt.signal.aborted) throw abortedError(attempt.signal)
    // A copy for each connection: node-datachannel writes into what it is given.
    const configuration = { iceServers: structuredClone(iceServers) as RTCIceServer[], iceTransportPolicy }
    const { resolvesMdns } = defaultRtc
    return negotiate({ ...attempt, rtc, configuration, resolvesMdns, connectTimeoutMs })
  }

  #load(): Promise<RtcImplementation> {
    const { rtc } = this.#options
    this.#loading ??= rtc ? Promise.resolve(rtc) : loadDefault()
    this.#loading.catch(() => {
      this.#loading = undefined
    })
    return this.#loading
  }
}

async function loadDefault(): Promise<RtcImplementation> {
  try {
    return await defaultRtc.load()
  } catch (cause) {
    const message = 'There is no WebRTC on this platform; give an implementation as the option rtc.'
    throw webrtcError('ERR_WEBRTC_UNSUPPORTED', message, { cause })
  }
}

function checkOptions(options: WebrtcOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.has(name))
  if (unknown !== undefined) throw new TypeError(`webrtc() has no option ${unknown}`)
  const { rtc, iceServers, iceTransportPolicy, connectTimeoutMs } = options
  if (rtc !== undefined && typeof rtc.RTCPeerConnection !== 'function') throw new TypeError('rtc must have an RTCPeerConnection')
  if (iceServers !== undefined && !Array.isArray(iceServers)) throw new TypeError('iceServers must be an array')
  if (iceTransportPolicy !== undefined && iceTransportPolicy !== 'all' && iceTransportPolicy !== 'relay') {
    throw new TypeError("iceTransportPolicy must be 'all' or 'relay'")
  }
  if (connectTimeoutMs !== undefined && !(Number.isFinite(connectTimeoutMs) && connectTimeoutMs > 0)) {
    throw new RangeError('connectTimeoutMs must be a positive number of milliseconds')
  }
}
