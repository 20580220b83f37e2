import {
  type AttemptSignal,
  type Bucket,
  encodeHex,
  fullBucket,
  type PeerId,
  type Runtime,
  type SignalLine,
  SwarmError,
  takeToken,
} from '@resilient-swarm/contract'
import { type KeyPair, publicKeyOf } from '@resilient-swarm/identity'
import type { SealedBox, SignalRoute } from '@resilient-swarm/mesh'
import { openSignal, type SealedSignal, sealSignal } from '@resilient-swarm/signal-exchange'
import {
  EARLY_ATTEMPTS_MAX,
  OFFERS_BURST,
  OFFERS_PER_SECOND,
  RATED_KEYS_MAX,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  SEEN_SIGNALS_MAX,
  SIGNAL_LIFETIME_MS,
  SIGNAL_REPEATS_MS,
  SIGNALS_WAITING_MAX,
} from './limits.ts'
import { sleep } from './sleep.ts'

/** A stranger's wish to connect: opened, fresh and within its rate, not yet admitted. */
export interface Offer {
  readonly from: PeerId
  readonly line: SignalLine
  /** Ends the line, and what is still to be delivered on it. */
  readonly scope: AbortController
}

export interface SignalRouterOptions {
  readonly keyPair: KeyPair
  readonly network: string
  readonly runtime: Runtime
  readonly nowMs: () => number
  /** Every way there is right now to this peer; asked anew for each delivery. */
  readonly routesTo: (to: PeerId) => readonly SignalRoute[]
  readonly onOffer: (offer: Offer) => void
}

/** Sends sealed signals by all routes at once and sorts what arrives to the attempt that it belongs to. */
export interface SignalRouter {
  /** The line of one attempt of ours or of a peer's; closing it ends deliveries under way. */
  openLine(options: { to: PeerId; attempt: string; signal: AbortSignal }): SignalLine
  newAttempt(): string
  /** What any route brought. Never throws: a box that fails a check is dropped. */
  receive(arrived: { id: string; box: Uint8Array }): void
}

interface OpenLine {
  readonly waiting: AttemptSignal[]
  receive: ((signal: AttemptSignal) => void) | undefined
  /** What was sent while the other end said nothing; undefined once it was heard. */
  unheard: SealedBox[] | undefined
}

/** Attempts are chosen by the dialler, so a line's name holds the peer too: nobody can speak on another's attempt. */
const lineName = (peer: PeerId, attempt: string) => `${peer} ${attempt}`

export function createSignalRouter(options: SignalRouterOptions): SignalRouter {
  const { keyPair, network, runtime, nowMs } = options
  const lines = new Map<string, OpenLine>()
  const early = new Map<string, AttemptSignal[]>()
  const seen = new Set<string>()
  const rates = new Map<PeerId, Bucket>()
  const offerRate = { perSecond: OFFERS_PER_SECOND, burst: OFFERS_BURST }

  function withinRate(from: PeerId): boolean {
    const now = runtime.clock.monotonic()
    const { allowed, bucket } = takeToken(rates.get(from) ?? fullBucket(offerRate, now), offerRate, now)
    rates.delete(from)
    rates.set(from, bucket)
    forgetOldest(rates, RATED_KEYS_MAX)
    return allowed
  }

  function openLine({ to, attempt, signal }: { to: PeerId; attempt: string; signal: AbortSignal }): SignalLine {
    const name = lineName(to, attempt)
    const line: OpenLine = { waiting: early.get(name) ?? [], receive: undefined, unheard: [] }
    early.delete(name)
    lines.set(name, line)
    signal.addEventListener('abort', () => lines.delete(name), { once: true })
    return {
      attempt,
      async send(content) {
        signal.throwIfAborted()
        const sealed = seal({ to, attempt, content })
        if (line.unheard?.length === 0) repeatUntilHeard(line, signal)
        if (line.unheard && line.unheard.length < SIGNALS_WAITING_MAX) line.unheard.push(sealed)
        return deliver(sealed, signal)
      },
      get onSignal() {
        return line.receive ?? (() => {})
      },
      set onSignal(receive) {
        line.receive = receive
        for (const waiting of line.waiting.splice(0)) receive(waiting)
      },
    }
  }

  function seal({ to, attempt, content }: { to: PeerId; attempt: string; content: AttemptSignal }): SealedBox {
    const sealed: SealedSignal = { attempt, expiresMs: nowMs() + SIGNAL_LIFETIME_MS, signal: content }
    const id = encodeHex(runtime.random.bytes(16))
    return { to, id, box: sealSignal({ keyPair, to: publicKeyOf(to), network, id, content: sealed }) }
  }

  const byAnyRoute = (box: SealedBox) => Promise.any(options.routesTo(box.to).map((route) => route(box)))

  async function deliver(box: SealedBox, signal: AbortSignal): Promise<void> {
    const giveUpMs = runtime.clock.monotonic() + SIGNAL_LIFETIME_MS
    for (let delayMs = RETRY_DELAY_MS_MIN; ; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
      signal.throwIfAborted()
      try {
        return await byAnyRoute(box)
      } catch (cause) {
        if (runtime.clock.monotonic() + delayMs > giveUpMs) throw undeliverable(cause)
      }
      await sleep({ clock: runtime.clock, delayMs, signal })
    }
  }

  /** A route may take a signal and lose it, most often to a peer that restarts just then: whoever hears nothing says it again. */
  function repeatUntilHeard(line: OpenLine, signal: AbortSignal): void {
    const repeat = () => {
      for (const box of line.unheard ?? []) void byAnyRoute(box).catch(() => {})
    }
    const timers = SIGNAL_REPEATS_MS.map((delayMs) => runtime.clock.setTimer(delayMs, repeat))
    const end = () => {
      for (const timer of timers) timer.cancel()
    }
    signal.addEventListener('abort', end, { once: true })
  }

  function sort(from: PeerId, { attempt, signal }: SealedSignal): void {
    const name = lineName(from, attempt)
    const line = lines.get(name)
    if (line) {
      line.unheard = undefined
      if (line.receive) line.receive(signal)
      else if (line.waiting.length < SIGNALS_WAITING_MAX) line.waiting.push(signal)
      return
    }
    if (signal.kind === 'candidates') {
      const waiting = early.get(name) ?? []
      if (waiting.length < SIGNALS_WAITING_MAX) waiting.push(signal)
      early.set(name, waiting)
      forgetOldest(early, EARLY_ATTEMPTS_MAX)
      return
    }
    if (signal.kind !== 'offer' || !withinRate(from)) return
    const scope = new AbortController()
    const offered = openLine({ to: from, attempt, signal: scope.signal })
    sort(from, { attempt, signal, expiresMs: 0 })
    options.onOffer({ from, line: offered, scope })
  }

  return {
    openLine,
    newAttempt: () => encodeHex(runtime.random.bytes(16)),
    receive({ id, box }) {
      if (seen.has(id)) return
      try {
        // An id counts as seen only once its box has opened: a forger must not be able to burn a true signal's id.
        const { from, content } = openSignal({ keyPair, network, id, box, nowMs: nowMs() })
        seen.add(id)
        forgetOldest(seen, SEEN_SIGNALS_MAX)
        sort(from, content)
      } catch (error) {
        runtime.log.debug('a sealed signal was dropped', { id, error: String(error) })
      }
    },
  }
}

function undeliverable(cause: unknown): SwarmError<'ERR_SIGNAL_UNDELIVERED'> {
  const causes =
    cause instanceof AggregateError ? cause.errors.map((error: unknown) => (error as Error).message) : [String(cause)]
  const told = causes.length === 0 ? 'there is no signal server and no connected peer to ask' : causes.join(' ')
  return new SwarmError(`No route took the signal: ${told}`, { code: 'ERR_SIGNAL_UNDELIVERED', cause, retryable: true })
}

function forgetOldest(keyed: { size: number; keys(): Iterator<string>; delete(key: never): boolean }, max: number): void {
  while (keyed.size > max) keyed.delete(keyed.keys().next().value as never)
}
