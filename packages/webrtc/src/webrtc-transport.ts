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
import { type ConnectionCause, type ConnectionPace, createConnectionPace } from './connection-pace.ts'
import { CONNECT_TIMEOUT_MS, PAGE_CONNECTIONS_BURST } from './limits.ts'
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
  /** New connections a second after the first three, dialled and answered ones together. Default: 1 in a page, in Node any number. */
  readonly connectionsPerSecond?: number
}

const OPTIONS: ReadonlySet<string> = new Set([
  'rtc',
  'iceServers',
  'iceTransportPolicy',
  'connectTimeoutMs',
  'connectionsPerSecond',
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
  readonly cause: () => ConnectionCause
}

class WebrtcTransport implements Transport {
  readonly name = PATH_KIND
  readonly #options: WebrtcOptions
  #loading: Promise<RtcImplementation> | undefined
  #pace: ConnectionPace | undefined

  constructor(options: WebrtcOptions) {
    this.#options = options
  }

  dial(_target: PeerId, { runtime, signals, signal, isBackground }: DialContext): Promise<Path> {
    const cause = () => (isBackground?.() ? 'background' : 'dial')
    return this.#connect({ role: 'initiator', runtime, signals, signal, cause })
  }

  listen({ runtime, onAttempt }: ListenContext): { close(): void } {
    const scope = new Scope()
    onAttempt(({ signals, signal }: IncomingAttempt) => {
      if (scope.isClosed) {
        signals.send({ kind: 'refuse', code: REFUSE_CODES.cancelled }).catch(() => {})
        return Promise.reject(webrtcError('ERR_WEBRTC_CLOSED', 'The transport no longer listens; listen again to be reached.'))
      }
      const either = AbortSignal.any([signal, scope.signal])
      return this.#connect({ role: 'responder', runtime, signals, signal: either, cause: () => 'answer' })
    })
    return { close: () => void scope.close() }
  }

  async #connect(attempt: Attempt): Promise<Path> {
    const { iceServers = [], iceTransportPolicy = 'all', connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options
    if (attempt.signal.aborted) throw abortedError(attempt.signal)
    const rtc = await this.#load()
    await this.#turn(attempt)
    if (attempt.signal.aborted) throw abortedError(attempt.signal)
    // A copy for each connection: node-datachannel writes into what it is given.
    const configuration = { iceServers: structuredClone(iceServers) as RTCIceServer[], iceTransportPolicy }
    const { resolvesMdns } = defaultRtc
    return negotiate({ ...attempt, rtc, configuration, resolvesMdns, connectTimeoutMs })
  }

  async #turn({ runtime, cause, signal }: Attempt): Promise<void> {
    const { connectionsPerSecond = defaultRtc.connectionsPerSecond } = this.#options
    if (connectionsPerSecond === undefined) return
    const rate = { perSecond: connectionsPerSecond, burst: PAGE_CONNECTIONS_BURST }
    this.#pace ??= createConnectionPace({ clock: runtime.clock, rate })
    await this.#pace.take({ cause, signal })
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
  const { rtc, iceServers, iceTransportPolicy, connectTimeoutMs, connectionsPerSecond } = options
  if (rtc !== undefined && typeof rtc.RTCPeerConnection !== 'function') throw new TypeError('rtc must have an RTCPeerConnection')
  if (iceServers !== undefined && !Array.isArray(iceServers)) throw new TypeError('iceServers must be an array')
  if (iceTransportPolicy !== undefined && iceTransportPolicy !== 'all' && iceTransportPolicy !== 'relay') {
    throw new TypeError("iceTransportPolicy must be 'all' or 'relay'")
  }
  if (connectTimeoutMs !== undefined && !(Number.isFinite(connectTimeoutMs) && connectTimeoutMs > 0)) {
    throw new RangeError('connectTimeoutMs must be a positive number of milliseconds')
  }
  if (connectionsPerSecond !== undefined && !(Number.isFinite(connectionsPerSecond) && connectionsPerSecond > 0)) {
    throw new RangeError('connectionsPerSecond must be a positive number')
  }
}
