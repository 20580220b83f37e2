import {
  abortedError,
  type IncomingAttempt,
  type Path,
  type PeerId,
  type Runtime,
  type SignalLine,
  SwarmError,
  type Transport,
} from '@resilient-swarm/contract'
import { type History, inWords } from './history.ts'
import { ATTEMPT_TIMEOUT_MS, RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from './limits.ts'
import type { ConnectedPeer } from './peer.ts'
import { isRefusalByNode, refusalError } from './refusal.ts'
import type { SignalRouter } from './signal-router.ts'
import { sleep } from './sleep.ts'

export interface DialOptions<Remote> {
  readonly target: PeerId
  readonly transports: readonly Transport[]
  readonly router: SignalRouter
  readonly runtime: Runtime
  readonly history: History
  /** Ends the call; its reason is what the call fails with. */
  readonly signal: AbortSignal
  readonly connect: (path: Path, signal: AbortSignal) => Promise<ConnectedPeer<Remote>>
  /** Told whenever an attempt begins and ends: two peers that dial each other must know it. */
  readonly onDialing: (dialing: boolean) => void
}

/** Dials until the peer is connected; gives up when refused for good or when the signal fires. One attempt is under way at a time. */
export async function dialUntilConnected<Remote>(options: DialOptions<Remote>): Promise<ConnectedPeer<Remote>> {
  const { target, transports, runtime, history, signal, onDialing } = options
  for (let delayMs = RETRY_DELAY_MS_MIN; ; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
    for (const transport of transports) {
      if (signal.aborted) throw reasonOf(signal)
      onDialing(true)
      try {
        const peer = await dialOnce(transport, options)
        history.note(target, `${transport.name}: connected`)
        return peer
      } catch (error) {
        history.note(target, `${transport.name}: ${inWords(error)}`)
        if (signal.aborted) throw reasonOf(signal)
        if (isFinal(error)) throw error
      } finally {
        onDialing(false)
      }
    }
    await sleep({ clock: runtime.clock, delayMs, signal }).catch(() => {
      throw reasonOf(signal)
    })
  }
}

async function dialOnce<Remote>(transport: Transport, options: DialOptions<Remote>): Promise<ConnectedPeer<Remote>> {
  const { target, router, runtime, signal, connect } = options
  const attempt = new AbortController()
  const end = () => attempt.abort(reasonOf(signal))
  signal.addEventListener('abort', end, { once: true })
  const timer = runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => attempt.abort(timeoutError()))
  try {
    const line = router.openLine({ to: target, attempt: router.newAttempt(), signal: attempt.signal })
    const refused = (code: number) => attempt.abort(refusalError(code))
    const path = await transport.dial(target, { runtime, signal: attempt.signal, signals: heedRefusals(line, refused) })
    return await connect(path, attempt.signal)
  } catch (error) {
    throw attempt.signal.aborted ? reasonOf(attempt.signal) : error
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', end)
    if (!attempt.signal.aborted) attempt.abort(abortedError(attempt.signal)) // ends the line: nobody speaks on it any more
  }
}

/** The line as the transport sees it; a refusal by the peer's node ends the attempt before the transport hears of it. */
function heedRefusals(line: SignalLine, refused: (code: number) => void): IncomingAttempt['signals'] {
  let receive: SignalLine['onSignal'] = () => {}
  return {
    attempt: line.attempt,
    send: (signal) => line.send(signal),
    get onSignal() {
      return receive
    },
    set onSignal(listener) {
      receive = listener
      line.onSignal = (signal) => {
        if (signal.kind === 'refuse' && isRefusalByNode(signal.code)) refused(signal.code)
        else receive(signal)
      }
    },
  }
}

const FINAL_CODES: ReadonlySet<string> = new Set(['ERR_NOT_ADMITTED', 'ERR_REFUSED'])

function isFinal(error: unknown): boolean {
  return error instanceof SwarmError && FINAL_CODES.has(error.code)
}

function reasonOf(signal: AbortSignal): unknown {
  return signal.reason instanceof SwarmError ? signal.reason : abortedError(signal)
}

function timeoutError(): SwarmError {
  return new SwarmError(`No path stood within ${ATTEMPT_TIMEOUT_MS / 1000} s.`, { code: 'ERR_ATTEMPT_TIMEOUT', retryable: true })
}
