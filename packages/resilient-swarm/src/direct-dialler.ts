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
import { ATTEMPT_TIMEOUT_MS, DIRECT_HEAD_START_MS } from './limits.ts'
import { isRefusalByNode, refusalError } from './refusal.ts'
import type { SignalRouter } from './signal-router.ts'
import { sleep } from './sleep.ts'

export interface DirectDiallerOptions {
  readonly transports: readonly Transport[]
  readonly router: SignalRouter
  readonly runtime: Runtime
  readonly history: History
  /** Nobody but the mesh wishes for this peer. */
  readonly isForMesh: (target: PeerId) => boolean
  /** Proves the key over a fresh path and hands it to the session; resolves when the peer has taken it. */
  readonly onPath: (path: Path, target: PeerId, signal: AbortSignal) => Promise<void>
}

/** Dials peers by the transports, one round of attempts a peer at a time however many wish for it. */
export interface DirectDialler {
  /** One attempt by each transport; resolves with the first path that stands. Joins the round that is under way. */
  dial(target: PeerId): Promise<void>
  isDialling(target: PeerId): boolean
  /** A path of ours stands already, and the peer may have taken it into its session. */
  isProving(target: PeerId): boolean
  /** Ends the round under way, which fails with this error. */
  cancel(target: PeerId, error: SwarmError): void
  close(error: SwarmError): void
}

interface Round {
  readonly done: Promise<void>
  readonly abort: AbortController
  /** Paths that stand and are being proven. */
  proving: number
}

export function createDirectDialler(options: DirectDiallerOptions): DirectDialler {
  const { transports, history, runtime } = options
  const rounds = new Map<PeerId, Round>()
  let closed: SwarmError | undefined

  async function onPath(...[path, target, signal]: Parameters<DirectDiallerOptions['onPath']>): Promise<void> {
    const round = rounds.get(target)
    if (round) round.proving++
    try {
      await options.onPath(path, target, signal)
    } finally {
      if (round) round.proving--
    }
  }

  async function dialRound(target: PeerId, signal: AbortSignal): Promise<void> {
    if (transports.length === 0) throw new SwarmError('This node has no transport to dial with.', { code: 'ERR_NO_TRANSPORT' })
    const round = new AbortController()
    const either = AbortSignal.any([signal, round.signal])
    let before: Promise<void> = Promise.reject()
    const attempts = transports.map((transport) => {
      before = dialAfter({ before, transport, target, signal: either })
      before.catch((error: unknown) => isFinal(error) && round.abort(error))
      return before
    })
    try {
      await Promise.any(attempts)
    } catch (error) {
      if (signal.aborted) throw reasonOf(signal)
      const failures = (error as AggregateError).errors
      throw failures.find(isFinal) ?? failures.at(-1)
    } finally {
      round.abort(new SwarmError('Another way stood first.', { code: 'ERR_CALL_OVER' }))
    }
  }

  /** Each transport begins when the one before it has failed, or a little later: whichever stands first wins (as RFC 8305 does with addresses). */
  async function dialAfter({ before, transport, target, signal }: { before: Promise<void> } & Target): Promise<void> {
    await failureOrPause(before, signal)
    try {
      await dialOnce({ ...options, transport, target, signal, onPath })
      history.note(target, `${transport.name}: connected`)
    } catch (error) {
      if (!isOver(error)) history.note(target, `${transport.name}: ${isOutOfTime(error) ? OUT_OF_TIME : inWords(error)}`)
      throw error
    }
  }

  function failureOrPause(before: Promise<void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const pause = sleep({ clock: runtime.clock, delayMs: DIRECT_HEAD_START_MS, signal })
      pause.then(resolve, () => reject(reasonOf(signal)))
      before.catch(() => resolve())
    })
  }

  return {
    dial(target) {
      const present = rounds.get(target)
      if (present) return present.done
      if (closed) return Promise.reject(closed)
      const abort = new AbortController()
      const done = dialRound(target, abort.signal).finally(() => rounds.delete(target))
      rounds.set(target, { done, abort, proving: 0 })
      return done
    },
    isDialling: (target) => rounds.has(target),
    isProving: (target) => (rounds.get(target)?.proving ?? 0) > 0,
    cancel: (target, error) => rounds.get(target)?.abort.abort(error),
    close(error) {
      closed ??= error
      for (const { abort } of rounds.values()) abort.abort(error)
    },
  }
}

interface Target {
  readonly transport: Transport
  readonly target: PeerId
  readonly signal: AbortSignal
}

type DialOnce = DirectDiallerOptions & Target

async function dialOnce({ transport, target, router, runtime, signal, onPath, isForMesh }: DialOnce): Promise<void> {
  if (signal.aborted) throw reasonOf(signal)
  const attempt = new AbortController()
  const end = () => attempt.abort(reasonOf(signal))
  signal.addEventListener('abort', end, { once: true })
  const timer = runtime.clock.setTimer(ATTEMPT_TIMEOUT_MS, () => attempt.abort(timeoutError()))
  try {
    const line = router.openLine({
      to: target,
      attempt: router.newAttempt(),
      signal: attempt.signal,
      purpose: isForMesh(target) ? 'mesh' : 'call',
    })
    const refused = (code: number) => attempt.abort(refusalError(code))
    const path = await transport.dial(target, {
      runtime,
      signal: attempt.signal,
      signals: heedRefusals(line, refused),
      isBackground: () => isForMesh(target),
    })
    await onPath(path, target, attempt.signal)
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

/** A failure that no other attempt will change. */
export function isFinal(error: unknown): error is SwarmError {
  return error instanceof SwarmError && FINAL_CODES.has(error.code)
}

function isOver(error: unknown): boolean {
  return error instanceof SwarmError && error.code === 'ERR_CALL_OVER'
}

function reasonOf(signal: AbortSignal): unknown {
  return signal.reason instanceof SwarmError ? signal.reason : abortedError(signal)
}

/** The call tells of itself; what it says of `why` is no use in there. */
const OUT_OF_TIME = 'no path stood when the time of the call was up.'

function isOutOfTime(error: unknown): boolean {
  return error instanceof SwarmError && error.code === 'ERR_CALL_TIMEOUT'
}

function timeoutError(): SwarmError {
  return new SwarmError(`No path stood within ${ATTEMPT_TIMEOUT_MS / 1000} s.`, { code: 'ERR_ATTEMPT_TIMEOUT', retryable: true })
}

/** The end of a round that gives way to the peer's own. */
export function yieldedError(): SwarmError<'ERR_CALL_YIELDED'> {
  return new SwarmError('The peer called at the same time; its attempt goes on.', { code: 'ERR_CALL_YIELDED' })
}
