import {
  abortedError,
  encodeBase64Url,
  encodeHex,
  type PeerId,
  type Runtime,
  Scope,
  type SwarmError,
} from '@resilient-swarm/contract'
import { isPeerId, type KeyPair } from '@resilient-swarm/identity'
import { defaultEngine } from '@resilient-swarm/identity/engine'
import { DefaultWebSocket } from '#web-socket'
import { chooseClockOffset } from './clock-offset.ts'
import { deliver, failureOf } from './delivery.ts'
import { closedError, type SignalErrorCode, signalError } from './errors.ts'
import {
  BOX_BYTES_MAX,
  FIRST_DIAL_GRACE_MS,
  LOOKUP_CALL_KEYS_MAX,
  REGISTRATION_WAIT_MS,
  SEEN_BOXES_MAX,
  SERVERS_MAX,
} from './limits.ts'
import { lookUp } from './lookup.ts'
import { isSignalId } from './messages.ts'
import { checkNetwork } from './network.ts'
import { normalizeOrigin } from './origin.ts'
import { createSeenBoxes } from './seen-boxes.ts'
import { createSignalClient, type ServerState, type SignalClient } from './signal-client.ts'
import type { WebSocketConstructor } from './web-socket.ts'

/** Which servers to be at, and as whom. */
export interface SignalExchangeOptions {
  /** Up to 16 `ws:` or `wss:` URLs; each server once, and as its operator names it. None is allowed too. */
  readonly urls: readonly string[]
  readonly keyPair: KeyPair
  /** The swarm's name, 1 to 64 bytes. Servers never learn it. */
  readonly network: string
  readonly runtime: Runtime
  /** Instead of the platform's own. */
  readonly webSocket?: WebSocketConstructor
}

/** One server of an exchange, as it stands now. */
export interface SignalServerStatus {
  readonly url: string
  readonly state: ServerState
  /** Why it is not registered, in words. */
  readonly error?: SwarmError<SignalErrorCode>
}

/** A server that was added, until it is closed. */
export interface AddedServer {
  readonly url: string
  /** Rejects with the first failure, after which the server is closed. */
  readonly registered: Promise<void>
  /** Which of these are online there. At most 800 keys a call. */
  lookup(ids: readonly PeerId[], options?: { readonly signal?: AbortSignal }): Promise<ReadonlySet<PeerId>>
  /** Leaves the server; idempotent. */
  close(): void
}

/** A sealed signal and whom it is for. `id` is 16 random bytes as hex. */
export interface OutgoingSignal {
  readonly to: PeerId
  readonly id: string
  readonly box: Uint8Array
}

/** Sealed signals to and from peers by several servers at once; any one alive is enough. */
export interface SignalExchange {
  /** The first registration. Rejects with ERR_SIGNAL_CLOSED when the exchange is closed before. */
  readonly ready: Promise<void>
  /**
   * Hands the signal to every registered server at once and resolves when one has passed it on. With none registered it waits
   * up to 5 s for the first. An id is sent once at a time.
   */
  send(signal: OutgoingSignal, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Which of these are online at one of the servers of `urls`. At most 800 keys a call. */
  lookup(ids: readonly PeerId[], options?: { readonly signal?: AbortSignal }): Promise<ReadonlySet<PeerId>>
  /**
   * What arrived, each box once however many servers bring it. Another box under a known id comes too: only opening it
   * tells which is true, and a hostile server must not be able to take a signal's place.
   */
  onSignal: (signal: { readonly id: string; readonly box: Uint8Array }) => void
  /** A newer login of our key took over and no server keeps us registered; once. A server that says so alone is left. */
  onDisplaced: () => void
  readonly servers: readonly SignalServerStatus[]
  /**
   * One more server for a while, tried once: what a peer told of, or an earlier life remembers. Nobody vouches for it, so it is
   * never believed that we were displaced, and its time stands apart. A TypeError for one that is there already.
   */
  add(url: string): AddedServer
  /** The clock of the servers of `urls` minus ours, in ms: the median of what they said. */
  readonly clockOffsetMs: number | undefined
  /** The same by those that were added: for whoever has nobody better to ask. */
  readonly addedClockOffsetMs: number | undefined
  /** Ends everything at once; idempotent. */
  close(): Promise<void>
}

type Arrived = { readonly id: string; readonly box: Uint8Array }

const OPTIONS: ReadonlySet<string> = new Set<keyof SignalExchangeOptions>(['urls', 'keyPair', 'network', 'runtime', 'webSocket'])

/** Dials every server at once and keeps it registered until `close`. */
export function createSignalExchange(options: SignalExchangeOptions): SignalExchange {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new TypeError(`unknown option '${name}'; known are ${[...OPTIONS].join(', ')}`)
  }
  const { urls, network } = options
  if (!Array.isArray(urls)) throw new TypeError('urls must be an array of signal server URLs')
  const origins = [...new Set(urls.map(normalizeOrigin))]
  if (origins.length > SERVERS_MAX)
    throw new RangeError(`urls names ${origins.length} signal servers, at most ${SERVERS_MAX} are used`)
  checkNetwork(network)
  return new Exchange(options, origins)
}

class Exchange implements SignalExchange {
  readonly ready: Promise<void>
  onSignal: SignalExchange['onSignal'] = () => {}
  onDisplaced: () => void = () => {}
  readonly #runtime: Runtime
  readonly #scope = new Scope()
  /** The servers of `urls`. */
  readonly #named: readonly SignalClient[]
  readonly #added = new Set<SignalClient>()
  readonly #newClient: (url: string) => SignalClient
  readonly #changes = new Set<() => void>()
  readonly #seen = createSeenBoxes({ max: SEEN_BOXES_MAX })
  readonly #graceEndsMs: number
  #isDisplaced = false

  constructor({ keyPair, runtime, webSocket = DefaultWebSocket }: SignalExchangeOptions, origins: readonly string[]) {
    this.#runtime = runtime
    this.#graceEndsMs = runtime.clock.monotonic() + FIRST_DIAL_GRACE_MS
    const [onSignal, onChange] = [(signal: Arrived) => this.#receive(signal), () => this.#changed()]
    this.#newClient = (url) => createSignalClient({ url, keyPair, runtime, webSocket, onSignal, onChange })
    this.#named = origins.map(this.#newClient)
    for (const client of this.#named) this.#scope.add(() => client.close())
    this.ready = this.#untilRegistered(undefined)
    this.ready.catch(() => {}) // nobody need wait for it
  }

  get servers(): readonly SignalServerStatus[] {
    return this.#clients.map(({ url, state, error }) => ({ url, state, ...(error ? { error } : {}) }))
  }

  get clockOffsetMs(): number | undefined {
    return offsetOf(this.#named)
  }

  get addedClockOffsetMs(): number | undefined {
    return offsetOf(this.#added)
  }

  get #clients(): readonly SignalClient[] {
    return [...this.#named, ...this.#added]
  }

  add(given: string): AddedServer {
    const url = normalizeOrigin(given)
    if (this.#scope.isClosed) throw closedError()
    if (this.#clients.some((client) => client.url === url)) throw new TypeError(`${url} is one of our signal servers already`)
    if (this.#clients.length >= SERVERS_MAX) throw new RangeError(`at most ${SERVERS_MAX} signal servers are used`)
    const client = this.#newClient(url)
    this.#added.add(client)
    const visit = this.#scope.child()
    visit.add(() => {
      client.close()
      this.#added.delete(client)
      this.#changed()
    })
    const registered = new Promise<void>((resolve, reject) => {
      visit.add(() => reject(closedError())) // says nothing new once it is settled
      visit.add(
        this.#listen(() => {
          if (client.state === 'registered') resolve()
          if (client.state === 'registered' || client.state === 'connecting') return
          reject(client.error)
          void visit.close()
        }),
      )
    })
    registered.catch(() => {}) // nobody need wait for it
    return {
      url,
      registered,
      lookup: async (ids, { signal } = {}) => {
        checkIds(ids)
        await registered
        return this.#lookUp({ ids, clients: [client], signal })
      },
      close: () => void visit.close(),
    }
  }

  async send({ to, id, box }: OutgoingSignal, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (!isPeerId(to)) throw new TypeError('to must be a peer id, rs1…')
    if (!isSignalId(id)) throw new TypeError('id must be 32 lower-case hex digits')
    if (!(box instanceof Uint8Array) || box.byteLength === 0) throw new TypeError('box must be the bytes of a sealed signal')
    if (box.byteLength > BOX_BYTES_MAX) {
      throw signalError('ERR_SIGNAL_TOO_LARGE', `A box has at most ${BOX_BYTES_MAX} bytes, this one has ${box.byteLength}.`)
    }
    if (this.#scope.isClosed) throw closedError()
    await deliver({
      frame: { type: 'send', to, id, box: encodeBase64Url(box) },
      clients: () => this.#clients,
      clock: this.#runtime.clock,
      graceEndsMs: this.#graceEndsMs,
      scope: this.#scope,
      onChange: (listen) => this.#listen(listen),
      signal,
    })
  }

  async lookup(ids: readonly PeerId[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<ReadonlySet<PeerId>> {
    checkIds(ids)
    await this.#untilRegistered(signal, REGISTRATION_WAIT_MS)
    return this.#lookUp({ ids, clients: this.#named, signal })
  }

  async #lookUp(options: Parameters<typeof lookUp>[0]): Promise<ReadonlySet<PeerId>> {
    try {
      return await lookUp(options)
    } catch (error) {
      throw this.#scope.isClosed ? closedError() : error
    }
  }

  close(): Promise<void> {
    const closing = this.#scope.close()
    this.#changed()
    return closing
  }

  #listen(listen: () => void): () => void {
    this.#changes.add(listen)
    return () => this.#changes.delete(listen)
  }

  #changed(): void {
    for (const listen of [...this.#changes]) listen()
    if (this.#isDisplaced || this.#scope.isClosed || !this.#named.some((client) => client.state === 'displaced')) return
    // A server may lie about it: while another one keeps us registered there is no newer login.
    if (this.#named.some((client) => client.state === 'registered')) return
    this.#isDisplaced = true
    this.onDisplaced()
  }

  #receive({ id, box }: Arrived): void {
    if (this.#scope.isClosed || box.byteLength > BOX_BYTES_MAX) return
    if (this.#seen.isNew(`${id} ${encodeHex(defaultEngine.sha256(box))}`)) this.onSignal({ id, box })
  }

  /** Resolves at the first registration; rejects when the exchange closes, when `withinMs` is over, or by `signal`. */
  #untilRegistered(signal: AbortSignal | undefined, withinMs?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#scope.isClosed) return reject(closedError())
      if (signal?.aborted) return reject(abortedError(signal))
      const wait = this.#scope.child()
      const check = () => {
        if (this.#clients.some((client) => client.state === 'registered')) resolve()
        else if (withinMs !== undefined && this.#clients.every((client) => client.state === 'displaced')) reject(failureOf([]))
        else return
        void wait.close()
      }
      const fail = (error: SwarmError) => {
        reject(error)
        void wait.close()
      }
      wait.add(() => reject(closedError())) // says nothing new once it is settled
      wait.add(this.#listen(check))
      if (signal) wait.listen(signal, 'abort', () => fail(abortedError(signal)))
      if (withinMs !== undefined) wait.timer(this.#runtime.clock, withinMs, () => fail(failureOf([])))
      check()
    })
  }
}

function offsetOf(clients: Iterable<SignalClient>): number | undefined {
  return chooseClockOffset([...clients].map((client) => client.clockOffsetMs))
}

function checkIds(ids: readonly PeerId[]): void {
  if (!Array.isArray(ids) || !ids.every(isPeerId)) throw new TypeError('ids must be an array of peer ids, rs1…')
  if (ids.length > LOOKUP_CALL_KEYS_MAX) throw new RangeError(`lookup takes at most ${LOOKUP_CALL_KEYS_MAX} keys a call`)
}
