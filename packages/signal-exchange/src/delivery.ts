import { abortedError, type Clock, type Scope, type SwarmError } from '@resilient-swarm/contract'
import { closedError, type SignalErrorCode, signalError } from './errors.ts'
import { REGISTRATION_WAIT_MS } from './limits.ts'
import type { SignalClient } from './signal-client.ts'
import type { SendFrame, SendOutcome } from './signal-connection.ts'

export interface DeliveryOptions {
  readonly frame: SendFrame
  /** Those of now: servers come and go meanwhile. */
  readonly clients: () => readonly SignalClient[]
  readonly clock: Clock
  /** Until then, by `clock.monotonic()`, servers that are dialled for the first time may still take what others could not. */
  readonly graceEndsMs: number
  /** Ended with the exchange. */
  readonly scope: Scope
  /** Registers for changes of any client's state; the returned function takes it back. */
  readonly onChange: (listen: () => void) => () => void
  readonly signal: AbortSignal | undefined
}

/** Sends one frame to every server as soon as it is registered; resolves with the first that took it. */
export function deliver(options: DeliveryOptions): Promise<void> {
  return new Promise((resolve, reject) => new Delivery(options, { resolve, reject }).start())
}

class Delivery {
  readonly #options: DeliveryOptions
  readonly #scope: Scope
  readonly #settle: { resolve: () => void; reject: (error: SwarmError) => void }
  readonly #asked = new Set<SignalClient>()
  readonly #outcomes: SendOutcome[] = []
  #isWaitingLonger = true

  constructor(options: DeliveryOptions, settle: { resolve: () => void; reject: (error: SwarmError) => void }) {
    this.#options = options
    this.#settle = settle
    this.#scope = options.scope.child()
  }

  start(): void {
    const { clock, graceEndsMs, onChange, signal } = this.#options
    if (signal?.aborted) {
      this.#fail(abortedError(signal))
      return
    }
    this.#scope.add(() => this.#settle.reject(closedError())) // says nothing new once it is settled
    if (signal) this.#scope.listen(signal, 'abort', () => this.#fail(abortedError(signal)))
    this.#scope.add(onChange(() => this.#goOn()))
    this.#goOn()
    if (this.#scope.isClosed) return
    this.#scope.timer(clock, graceEndsMs - clock.monotonic(), () => this.#goOn())
    this.#scope.timer(clock, REGISTRATION_WAIT_MS, () => {
      this.#isWaitingLonger = false
      this.#goOn()
    })
  }

  /** Asks every server that can be asked now, and ends when none is left to hope for. */
  #goOn(): void {
    if (this.#scope.isClosed) return
    for (const client of this.#options.clients()) {
      if (client.state === 'registered' && !this.#asked.has(client)) this.#ask(client)
    }
    if (this.#asked.size === this.#outcomes.length && !this.#mayStillCome()) this.#fail(failureOf(this.#outcomes))
  }

  async #ask(client: SignalClient): Promise<void> {
    this.#asked.add(client)
    const outcome = await client.send(this.#options.frame)
    if (this.#scope.isClosed) return
    if (outcome === 'sent') {
      this.#settle.resolve()
      void this.#scope.close()
      return
    }
    // A connection that ended before its answer is as good as never asked: it may come back in time.
    if (outcome === 'lost') this.#asked.delete(client)
    else this.#outcomes.push(outcome)
    this.#goOn()
  }

  /** With an answer in hand only servers that are just being dialled are worth a moment; without one, every server is. */
  #mayStillCome(): boolean {
    const { clients, clock, graceEndsMs } = this.#options
    const others = clients().filter((client) => !this.#asked.has(client))
    if (this.#outcomes.length > 0) return clock.monotonic() < graceEndsMs && others.some((client) => client.isFresh)
    return this.#isWaitingLonger && others.some((client) => client.state !== 'displaced')
  }

  #fail(error: SwarmError): void {
    this.#settle.reject(error)
    void this.#scope.close()
  }
}

/** What the answers of all servers come to; the most telling one speaks. */
export function failureOf(outcomes: readonly SendOutcome[]): SwarmError<SignalErrorCode> {
  if (outcomes.includes('size')) {
    return signalError('ERR_SIGNAL_TOO_LARGE', 'The signal is larger than the signal server takes; send fewer candidates in it.')
  }
  if (outcomes.includes('rate')) {
    return signalError(
      'ERR_SIGNAL_RATE',
      'The signal server takes no more for now, from us or for this peer; try again in a second.',
    )
  }
  if (outcomes.includes('offline')) {
    return signalError(
      'ERR_SIGNAL_OFFLINE',
      'The peer is at none of our signal servers; is it running, and does it use the same ones?',
    )
  }
  if (outcomes.includes('timeout')) {
    return signalError('ERR_SIGNAL_TIMEOUT', 'No signal server answered in time; try again.')
  }
  return signalError('ERR_SIGNAL_NO_SERVER', 'No signal server is reachable; `servers` says why for each.')
}
