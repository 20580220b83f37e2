import { encodeHex, type PeerId, type Runtime, SwarmError } from '@resilient-swarm/contract'
import { ATTEMPT_TIMEOUT_MS, HANDSHAKES_PENDING_MAX } from './limits.ts'
import type { Signalling, SimulatedSignal } from './signalling.ts'

export interface DiallingOptions {
  readonly runtime: Runtime
  readonly send: Signalling['send']
  readonly isConnected: (id: PeerId) => boolean
  /** True when our key is the larger one. */
  readonly isLarger: (id: PeerId) => boolean
  /** Connected peers, and how many there may be of others' choice. */
  readonly connected: () => number
  readonly placesForOthers: () => number
  /** The answer has come: makes the connection, which takes a few round trips, and resolves when it stands. */
  readonly connect: (id: PeerId) => Promise<void>
}

export interface CallOptions {
  readonly timeoutMs: number
  readonly isForMesh?: boolean
}

/** Calls as the facade makes and answers them: an offer and an answer by the routes there are, then the handshakes. */
export interface Dialling {
  /** Calls under way. */
  readonly size: number
  /** How many calls of ours there were, and how many of them reached their peer. */
  readonly tally: { readonly begun: number; readonly reached: number; readonly refused: number }
  isCalling(id: PeerId): boolean
  call(id: PeerId, options: CallOptions): Promise<void>
  receive(signal: SimulatedSignal): void
  /** Somebody is connected: whoever called is done. */
  settle(id: PeerId): void
}

interface Call {
  attempt: string | undefined
  promise: Promise<void>
  settle(error?: SwarmError): void
  /** Fires when the other end was heard. */
  readonly heard: AbortController
}

const ATTEMPT_BYTES = 16

export function createDialling(options: DiallingOptions): Dialling {
  const { runtime, isConnected, isLarger } = options
  const { clock } = runtime
  const calls = new Map<PeerId, Call>()
  const tally = { begun: 0, reached: 0, refused: 0 }
  /** Offers that we are answering, by whom, until the connection stands or they took too long. */
  const answering = new Map<PeerId, { end(): void }>()

  function begin(id: PeerId, { timeoutMs, isForMesh = false }: CallOptions): Call {
    tally.begun++
    const attempt = encodeHex(runtime.random.bytes(ATTEMPT_BYTES))
    const call: Call = { attempt, promise: Promise.resolve(), settle() {}, heard: new AbortController() }
    call.promise = new Promise((resolve, reject) => {
      const timer = clock.setTimer(timeoutMs, () => call.settle(failed('The peer was not reached in time.')))
      call.settle = (error) => {
        timer.cancel()
        call.heard.abort()
        if (calls.get(id) === call) calls.delete(id)
        if (error) reject(error)
        else {
          tally.reached++
          resolve()
        }
      }
    })
    calls.set(id, call)
    options.send(id, { kind: 'offer', attempt }, { isWanted: call.heard.signal, purpose: isForMesh ? 'mesh' : 'call' })
    return call
  }

  /** `judgeOffer` of the facade, in its order. */
  function judge(from: PeerId): 'answer' | 'ignore' | 'busy' {
    if (calls.get(from)?.attempt && isLarger(from)) return 'ignore'
    if (answering.size >= HANDSHAKES_PENDING_MAX) return 'busy'
    if (!isConnected(from) && options.connected() + answering.size >= options.placesForOthers()) return 'busy'
    return 'answer'
  }

  function receiveOffer({ from, attempt }: SimulatedSignal): void {
    const verdict = judge(from)
    if (verdict === 'ignore' || answering.has(from)) return
    const answered = new AbortController()
    if (verdict === 'busy') {
      options.send(from, { kind: 'refuse', attempt }, { isWanted: answered.signal, purpose: 'answer' })
      return
    }
    const call = calls.get(from)
    if (call) call.attempt = undefined // ours yields; whoever waits for it is told when theirs has come through
    const end = () => {
      timer.cancel()
      answered.abort()
      answering.delete(from)
    }
    const timer = clock.setTimer(ATTEMPT_TIMEOUT_MS, end)
    answering.set(from, { end })
    options.send(from, { kind: 'answer', attempt }, { isWanted: answered.signal, purpose: 'answer' })
  }

  return {
    get size() {
      return calls.size
    },
    tally,
    isCalling: (id) => calls.has(id),
    call: (id, asked) => (isConnected(id) ? Promise.resolve() : (calls.get(id) ?? begin(id, asked)).promise),
    receive(signal) {
      if (signal.kind === 'offer') return receiveOffer(signal)
      const call = calls.get(signal.from)
      if (call?.attempt !== signal.attempt) return
      call.attempt = undefined
      call.heard.abort()
      if (signal.kind === 'refuse') {
        tally.refused++
        call.settle(failed('The peer has no room.'))
      } else options.connect(signal.from).catch((error: SwarmError) => call.settle(error))
    },
    settle(id) {
      calls.get(id)?.settle()
      answering.get(id)?.end()
    },
  }
}

function failed(message: string): SwarmError {
  return new SwarmError(message, { code: 'ERR_CALL_TIMEOUT', retryable: true })
}
