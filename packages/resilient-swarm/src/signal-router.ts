import {
  type AttemptSignal,
  createKeyedRate,
  createNewestMap,
  encodeHex,
  type PeerId,
  type Runtime,
  Scope,
  type SignalLine,
  SwarmError,
} from '@resilient-swarm/contract'
import { type KeyPair, publicKeyOf } from '@resilient-swarm/identity'
import type { OwnSignal, SignalRoute, SwarmSignals } from '@resilient-swarm/mesh'
import { proveDelivery } from '@resilient-swarm/mesh/links'
import { openSignal, type SealedSignal, sealSignal } from '@resilient-swarm/signal-exchange'
import {
  EARLY_ATTEMPTS_MAX,
  MESH_ROUNDS_MAX,
  MESH_ROUNDS_UNSERVED_MAX,
  OFFERS_BURST,
  OFFERS_PER_SECOND,
  RATED_KEYS_MAX,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  SEEN_SIGNALS_MAX,
  SERVER_HEAD_START_MS,
  SERVER_HEAD_START_PATIENT_MS,
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
  /** By the signal servers; undefined when none is configured. */
  readonly byServers: SignalRoute | undefined
  /** Whether a signal server has us registered right now, so that a signal has a quick way without the swarm. */
  readonly isServed: () => boolean
  /** It is at our own exchange and the swarm has not heard of it, so no other way leads there; a stranger must not make others carry. */
  readonly isOnlyHere: (id: PeerId) => boolean
  /** Through connected peers, acknowledged by the receiver. */
  readonly throughSwarm: SwarmSignals['carry']
  readonly onOffer: (offer: Offer) => void
}

/** What a line is for: the mesh's own dials have others to dial as well, so one is worth fewer tries; only a user waits for a call. */
export type LinePurpose = 'call' | 'mesh' | 'answer'

export interface LineOptions {
  readonly to: PeerId
  readonly attempt: string
  readonly signal: AbortSignal
  readonly purpose: LinePurpose
}

/** Sends sealed signals by servers and through the swarm, and sorts what arrives to the attempt that it belongs to. */
export interface SignalRouter {
  /** The line of one attempt of ours or of a peer's; closing it ends deliveries under way. */
  openLine(options: LineOptions): SignalLine
  newAttempt(): string
  /**
   * What any route brought. Never throws: a box that fails a check is dropped. Returns the proof that it was opened, also
   * when it had come before by another route.
   */
  receive(arrived: { id: string; box: Uint8Array }): string | undefined
}

interface DeliverOptions {
  readonly attempt: Scope
  /** Ends when it has arrived, or does not matter any more. */
  readonly wanted: Scope
  readonly purpose: LinePurpose
}

interface ServerOptions {
  readonly byServers: SignalRoute
  readonly signal: AbortSignal
  readonly purpose: LinePurpose
  readonly onFailure: () => void
}

interface CarryOptions {
  readonly isWanted: AbortSignal
  /** Ends as soon as a server has said no. */
  readonly headStart: Scope | undefined
  readonly purpose: LinePurpose
}

interface OpenLine {
  readonly waiting: AttemptSignal[]
  receive: ((signal: AttemptSignal) => void) | undefined
  /** What was sent while the other end said nothing; undefined once it was heard. */
  unheard: OwnSignal[] | undefined
  /** Ends with its attempt. All that runs for the line is in it, so that an attempt's signal has one listener however much is said. */
  readonly scope: Scope
  /** Ends when the other end was heard, which says that our offer arrived. */
  readonly asking: Scope
}

/** Attempts are chosen by the dialler, so a line's name holds the peer too: nobody can speak on another's attempt. */
const lineName = (peer: PeerId, attempt: string) => `${peer} ${attempt}`

export function createSignalRouter(options: SignalRouterOptions): SignalRouter {
  const { keyPair, network, runtime, nowMs } = options
  const lines = new Map<string, OpenLine>()
  const early = createNewestMap<string, AttemptSignal[]>(EARLY_ATTEMPTS_MAX)
  /** Ids of what was opened, and the proofs of it. */
  const seen = createNewestMap<string, string>(SEEN_SIGNALS_MAX)
  const offerRate = { perSecond: OFFERS_PER_SECOND, burst: OFFERS_BURST }
  const offers = createKeyedRate<PeerId>({ rate: offerRate, keysMax: RATED_KEYS_MAX })

  function openLine({ to, attempt, signal, purpose }: LineOptions): SignalLine {
    const name = lineName(to, attempt)
    const scope = new Scope()
    const line: OpenLine = { waiting: early.get(name) ?? [], receive: undefined, unheard: [], scope, asking: scope.child() }
    early.delete(name)
    lines.set(name, line)
    scope.add(() => void lines.delete(name))
    signal.addEventListener('abort', () => void scope.close(), { once: true })
    return {
      attempt,
      async send(content) {
        signal.throwIfAborted()
        const sealed = seal({ to, attempt, content })
        if (line.unheard?.length === 0) repeatUntilHeard(line)
        if (line.unheard && line.unheard.length < SIGNALS_WAITING_MAX) line.unheard.push(sealed)
        // The first answer says that the first offer arrived; of later offers and of candidates it says nothing.
        const isFirst = line.unheard !== undefined && content.kind === 'offer'
        const wanted = (isFirst ? line.asking : line.scope).child()
        return deliver(sealed, { attempt: line.scope.child(), wanted, purpose })
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

  function seal({ to, attempt, content }: { to: PeerId; attempt: string; content: AttemptSignal }): OwnSignal {
    const sealed: SealedSignal = { attempt, expiresMs: nowMs() + SIGNAL_LIFETIME_MS, signal: content }
    const id = encodeHex(runtime.random.bytes(16))
    const box = sealSignal({ keyPair, to: publicKeyOf(to), network, id, content: sealed })
    return { to, id, box, proof: proveDelivery({ attempt, id }) }
  }

  /** Resolves when a server took it or its receiver has acknowledged it; what is still under way then goes on. */
  async function deliver(own: OwnSignal, { attempt, wanted, purpose }: DeliverOptions): Promise<void> {
    const { byServers, isServed, isOnlyHere } = options
    const { signal } = attempt
    const headStart = byServers && isServed() ? wanted.child() : undefined
    const isWanted = wanted.signal
    const ways = byServers && isOnlyHere(own.to) ? [] : [carryThroughSwarm(own, { isWanted, headStart, purpose })]
    if (byServers) ways.push(takenByServers(own, { byServers, signal, purpose, onFailure: () => void headStart?.close() }))
    void Promise.allSettled(ways).then(() => Promise.all([attempt.close(), wanted.close()]))
    try {
      await Promise.any(ways)
    } catch (cause) {
      signal.throwIfAborted()
      throw undeliverable(cause)
    }
  }

  async function takenByServers(own: OwnSignal, { byServers, signal, purpose, onFailure }: ServerOptions): Promise<void> {
    const giveUpMs = runtime.clock.monotonic() + SIGNAL_LIFETIME_MS
    for (let delayMs = RETRY_DELAY_MS_MIN; ; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
      signal.throwIfAborted()
      try {
        return await byServers(own)
      } catch (cause) {
        onFailure()
        if (purpose === 'mesh') throw cause
        if (runtime.clock.monotonic() + delayMs > giveUpMs) throw cause
      }
      await sleep({ clock: runtime.clock, delayMs, signal })
    }
  }

  /** Servers that have us get a head start, until one says no and never for longer: it may lie. */
  async function carryThroughSwarm(own: OwnSignal, { isWanted, headStart, purpose }: CarryOptions): Promise<void> {
    if (headStart) {
      const delayMs = purpose === 'call' ? SERVER_HEAD_START_MS : SERVER_HEAD_START_PATIENT_MS
      await sleep({ clock: runtime.clock, delayMs, signal: headStart.signal }).catch(() => {})
    }
    isWanted.throwIfAborted()
    const roundsMax = purpose === 'mesh' ? (headStart?.isClosed ? MESH_ROUNDS_UNSERVED_MAX : MESH_ROUNDS_MAX) : undefined
    await options.throughSwarm(own, { signal: isWanted, ...(roundsMax === undefined ? {} : { roundsMax }) })
  }

  /** A server may take a signal and lose it, most often to a peer that restarts just then: whoever hears nothing says it again. */
  function repeatUntilHeard(line: OpenLine): void {
    const repeat = () => {
      for (const own of line.unheard ?? []) options.byServers?.(own).catch(() => {})
    }
    for (const delayMs of SIGNAL_REPEATS_MS) line.asking.timer(runtime.clock, delayMs, repeat)
  }

  function sort(from: PeerId, { attempt, signal }: SealedSignal): void {
    const name = lineName(from, attempt)
    const line = lines.get(name)
    if (line) {
      line.unheard = undefined
      if (signal.kind !== 'offer') void line.asking.close()
      if (line.receive) line.receive(signal)
      else if (line.waiting.length < SIGNALS_WAITING_MAX) line.waiting.push(signal)
      return
    }
    if (signal.kind === 'candidates') {
      const waiting = early.get(name) ?? []
      if (waiting.length < SIGNALS_WAITING_MAX) waiting.push(signal)
      early.set(name, waiting)
      return
    }
    if (signal.kind !== 'offer' || !offers.take(from, runtime.clock.monotonic())) return
    const scope = new AbortController()
    const offered = openLine({ to: from, attempt, signal: scope.signal, purpose: 'answer' })
    sort(from, { attempt, signal, expiresMs: 0 })
    options.onOffer({ from, line: offered, scope })
  }

  return {
    openLine,
    newAttempt: () => encodeHex(runtime.random.bytes(16)),
    receive({ id, box }) {
      const known = seen.get(id)
      if (known) return known
      try {
        // An id counts as seen only once its box has opened: a forger must not be able to burn a true signal's id.
        const { from, content } = openSignal({ keyPair, network, id, box, nowMs: nowMs() })
        const proof = proveDelivery({ attempt: content.attempt, id })
        seen.set(id, proof)
        sort(from, content)
        return proof
      } catch (error) {
        runtime.log.debug('a sealed signal was dropped', { id, error: String(error) })
        return undefined
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
