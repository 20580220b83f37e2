import { type PeerId, type Runtime, Scope, type SwarmError } from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import { CLOSE_CODES } from './close-codes.ts'
import { type SignalErrorCode, signalError } from './errors.ts'
import { RECONNECT_STABLE_MS } from './limits.ts'
import { reconnectDelayMs } from './reconnect.ts'
import {
  type LookupOutcome,
  openSignalConnection,
  type SendFrame,
  type SendOutcome,
  type SignalConnection,
} from './signal-connection.ts'
import type { WebSocketConstructor } from './web-socket.ts'

/** Where a server stands: being dialled, ours, gone for now, or taken over by a newer login of this key. */
export type ServerState = 'connecting' | 'registered' | 'waiting' | 'displaced'

export interface SignalClientOptions {
  readonly url: string
  readonly keyPair: KeyPair
  readonly runtime: Runtime
  readonly webSocket: WebSocketConstructor
  readonly onSignal: (signal: { readonly id: string; readonly box: Uint8Array }) => void
  /** `state` is another than before. */
  readonly onChange: () => void
}

/** One server: dialled again after each failure, until it is closed or displaced. */
export interface SignalClient {
  readonly url: string
  readonly state: ServerState
  /** Why the server is not registered now; cleared by a registration. */
  readonly error: SwarmError<SignalErrorCode> | undefined
  /** It is being dialled for the first time, so nothing bad is known of it yet. */
  readonly isFresh: boolean
  /** The server's clock minus ours, from its last challenge. */
  readonly clockOffsetMs: number | undefined
  send(frame: SendFrame): Promise<SendOutcome>
  lookup(keys: readonly PeerId[]): Promise<LookupOutcome>
  close(): void
}

export function createSignalClient(options: SignalClientOptions): SignalClient {
  const client = new Client(options)
  client.dial()
  return client
}

class Client implements SignalClient {
  readonly url: string
  state: ServerState = 'connecting'
  error: SwarmError<SignalErrorCode> | undefined
  clockOffsetMs: number | undefined
  readonly #options: SignalClientOptions
  readonly #scope = new Scope()
  #connection: SignalConnection | undefined
  #failures = 0
  #registeredAtMs: number | undefined

  constructor(options: SignalClientOptions) {
    this.#options = options
    this.url = options.url
  }

  get isFresh(): boolean {
    return this.state === 'connecting' && this.#failures === 0
  }

  dial(): void {
    const { keyPair, onSignal, runtime, webSocket } = this.#options
    this.#registeredAtMs = undefined
    this.state = 'connecting'
    this.#connection = openSignalConnection({
      url: this.url,
      keyPair,
      runtime,
      webSocket,
      onSignal,
      onClockOffset: (offsetMs) => {
        this.clockOffsetMs = offsetMs
      },
      onRegistered: () => {
        this.#registeredAtMs = runtime.clock.monotonic()
        runtime.log.info('registered at a signal server', { url: this.url })
        this.#enter('registered', undefined)
      },
      onEnd: (error, code) => this.#ended(error, code),
    })
  }

  send(frame: SendFrame): Promise<SendOutcome> {
    return this.#connection?.send(frame) ?? Promise.resolve('lost')
  }

  lookup(keys: readonly PeerId[]): Promise<LookupOutcome> {
    return this.#connection?.lookup(keys) ?? Promise.resolve('lost')
  }

  close(): void {
    if (this.#scope.isClosed) return
    void this.#scope.close()
    if (this.state !== 'displaced') {
      this.state = 'waiting'
      this.error = signalError('ERR_SIGNAL_CLOSED', `The connection to ${this.url} was closed by this side.`)
    }
    this.#connection?.close()
  }

  #ended(error: SwarmError<SignalErrorCode>, code: number): void {
    const { clock, log, random } = this.#options.runtime
    if (code === CLOSE_CODES.displaced) {
      log.warn('a newer login of this key took over at a signal server', { url: this.url })
      this.#enter('displaced', error)
      return
    }
    const wasStable = this.#registeredAtMs !== undefined && clock.monotonic() - this.#registeredAtMs >= RECONNECT_STABLE_MS
    this.#failures = wasStable ? 1 : this.#failures + 1
    const delayMs = reconnectDelayMs({ failures: this.#failures, fraction: random.fraction() })
    log.debug('a signal server is not there', { url: this.url, code: error.code, reason: error.message, delayMs })
    this.#scope.timer(clock, delayMs, () => this.dial())
    this.#enter('waiting', error)
  }

  #enter(state: ServerState, error: SwarmError<SignalErrorCode> | undefined): void {
    this.state = state
    this.error = error
    this.#options.onChange()
  }
}
