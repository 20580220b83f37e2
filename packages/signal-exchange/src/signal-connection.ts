import {
  type Bucket,
  decodeBase64Url,
  encodeBase64Url,
  encodeHex,
  fullBucket,
  type PeerId,
  type Rate,
  type Runtime,
  Scope,
  type SwarmError,
  takeToken,
} from '@resilient-swarm/contract'
import type { KeyPair } from '@resilient-swarm/identity'
import { CLOSE_CODES } from './close-codes.ts'
import { closedByServer, connectFailed, type SignalErrorCode, signalError } from './errors.ts'
import {
  KEEPALIVE_MS,
  LOGIN_TIMEOUT_MS,
  REPLIES_PENDING_MAX,
  REPLY_TIMEOUT_MS,
  SIGNAL_FRAME_BYTES_MAX,
  SIGNAL_ID_BYTES,
  SIGNALS_IN_RATE,
} from './limits.ts'
import { type AnnouncedLimits, boxBytes, type ClientFrame, encodeFrame, parseServerFrame, type ServerFrame } from './messages.ts'
import { signLogin } from './prove-key.ts'
import type { WebSocketConstructor, WebSocketLike } from './web-socket.ts'

export type SendFrame = Extract<ClientFrame, { type: 'send' }>
type Reply = Extract<ServerFrame, { type: 'sent' | 'failed' | 'online' }>

/** How one server answered one send: `lost` when the connection ended first. */
export type SendOutcome = 'sent' | 'offline' | 'rate' | 'size' | 'lost' | 'timeout'

/** How one server answered one lookup: those of the keys that are online, or why it did not say. */
export type LookupOutcome = readonly string[] | 'rate' | 'lost' | 'timeout'

export interface SignalConnectionOptions {
  /** As `normalizeOrigin` spells it; it is what the login is made for. */
  readonly url: string
  readonly keyPair: KeyPair
  readonly runtime: Runtime
  readonly webSocket: WebSocketConstructor
  /** The server told its time: its clock minus ours. */
  readonly onClockOffset: (offsetMs: number) => void
  readonly onRegistered: () => void
  readonly onSignal: (signal: { readonly id: string; readonly box: Uint8Array }) => void
  /** Once, when the connection ended in any way but by `close`. `code` is the WebSocket's. */
  readonly onEnd: (error: SwarmError<SignalErrorCode>, code: number) => void
}

/** One connection to one server, from the dial to its end. */
export interface SignalConnection {
  /** Never rejects. */
  send(frame: SendFrame): Promise<SendOutcome>
  /** At most 32 keys. Never rejects. */
  lookup(keys: readonly PeerId[]): Promise<LookupOutcome>
  /** Ends everything at once; sends under way are `lost`. */
  close(): void
}

const NOTHING = new Uint8Array(0)
const CODE_NONE = 1006 // RFC 6455 §7.1.5: the connection ended without a close frame

export function openSignalConnection(options: SignalConnectionOptions): SignalConnection {
  const connection = new Connection(options)
  connection.dial()
  return connection
}

class Connection implements SignalConnection {
  readonly #options: SignalConnectionOptions
  readonly #scope = new Scope()
  readonly #login: Scope
  readonly #replies = new Map<string, (reply: Reply | 'lost' | 'timeout') => void>()
  #socket: WebSocketLike | undefined
  #limits: AnnouncedLimits | undefined
  #isLoginSent = false
  #heard = false
  #sends: Bucket = { tokens: 0, atMs: 0 }
  #lookups: Bucket = { tokens: 0, atMs: 0 }
  #signalsIn: Bucket = { tokens: 0, atMs: 0 }

  constructor(options: SignalConnectionOptions) {
    this.#options = options
    this.#login = this.#scope.child()
  }

  dial(): void {
    const { runtime, url, webSocket } = this.#options
    let socket: WebSocketLike
    try {
      socket = new webSocket(url)
    } catch (cause) {
      // In a later turn, so that whoever opened the connection has it in hand when it ends.
      this.#scope.timer(runtime.clock, 0, () => this.#end(connectFailed(url, cause)))
      return
    }
    this.#socket = socket
    this.#scope.add(() => endSocket(socket))
    this.#login.timer(runtime.clock, LOGIN_TIMEOUT_MS, () => {
      this.#end(signalError('ERR_SIGNAL_CONNECT', `${url} did not finish a login within ${LOGIN_TIMEOUT_MS / 1000} s.`))
    })
    let cause: unknown
    // Stays for the life of the socket: `ws` throws what nobody listens to, also after we left.
    socket.addEventListener('error', (event) => {
      cause = event.message ?? event
    })
    socket.addEventListener('message', ({ data }) => {
      if (!this.#scope.isClosed) this.#receive(data)
    })
    socket.addEventListener('close', ({ code, reason }) => {
      const isReached = this.#isLoginSent || code !== CODE_NONE
      this.#end(isReached ? closedByServer(url, { code, reason }) : connectFailed(url, cause), code)
    })
  }

  async send(frame: SendFrame): Promise<SendOutcome> {
    if (!this.#limits) return 'lost'
    if (boxBytes(frame.box) > this.#limits.boxBytes) return 'size'
    if (this.#replies.has(frame.id)) return 'rate'
    const { allowed, bucket } = this.#take(this.#sends, this.#limits.sends)
    this.#sends = bucket
    if (!allowed) return 'rate'
    const reply = await this.#request(frame)
    if (typeof reply === 'string') return reply
    return reply.type === 'failed' ? reply.code : reply.type === 'sent' ? 'sent' : 'lost'
  }

  async lookup(keys: readonly PeerId[]): Promise<LookupOutcome> {
    if (!this.#limits) return 'lost'
    const { allowed, bucket } = this.#take(this.#lookups, this.#limits.lookups)
    this.#lookups = bucket
    if (!allowed) return 'rate'
    const id = encodeHex(this.#options.runtime.random.bytes(SIGNAL_ID_BYTES))
    const reply = await this.#request({ type: 'lookup', id, keys })
    if (typeof reply === 'string') return reply
    return reply.type === 'online' ? reply.keys : 'rate'
  }

  close(): void {
    if (this.#scope.isClosed) return
    void this.#scope.close()
    this.#limits = undefined
    for (const settle of [...this.#replies.values()]) settle('lost')
  }

  #end(error: SwarmError<SignalErrorCode>, code = CODE_NONE): void {
    if (this.#scope.isClosed) return
    this.close()
    this.#options.onEnd(error, code)
  }

  /** What the server would refuse anyway is not sent: that keeps us clear of its limit on all frames, which ends connections. */
  #take(bucket: Bucket, rate: Rate): { readonly allowed: boolean; readonly bucket: Bucket } {
    return takeToken(bucket, rate, this.#options.runtime.clock.monotonic())
  }

  #write(frame: ClientFrame): void {
    this.#socket?.send(encodeFrame(frame))
  }

  #request(frame: Extract<ClientFrame, { id: string }>): Promise<Reply | 'lost' | 'timeout' | 'rate'> {
    if (this.#replies.size >= REPLIES_PENDING_MAX) return Promise.resolve('rate')
    return new Promise((resolve) => {
      const settle = (reply: Reply | 'lost' | 'timeout') => {
        timer.cancel()
        this.#replies.delete(frame.id)
        resolve(reply)
      }
      const timer = this.#scope.timer(this.#options.runtime.clock, REPLY_TIMEOUT_MS, () => settle('timeout'))
      this.#replies.set(frame.id, settle)
      this.#write(frame)
    })
  }

  #receive(data: unknown): void {
    const frame = typeof data === 'string' && data.length <= SIGNAL_FRAME_BYTES_MAX ? parseServerFrame(data) : undefined
    this.#heard = true
    const fault = frame ? this.#act(frame) : 'something that is no frame'
    if (fault === undefined) return
    // The server broke the protocol: it gets the number, and is left.
    const { url } = this.#options
    const code = frame ? CLOSE_CODES.frameUnexpected : CLOSE_CODES.frameInvalid
    this.#socket?.close(code)
    this.#end(
      signalError('ERR_SIGNAL_PROTOCOL', `${url} sent ${fault}; it does not speak this version of the signal protocol.`),
      code,
    )
  }

  /** Does what a frame says; the answer is what is wrong with it at this time, if anything is. */
  #act(frame: ServerFrame): string | undefined {
    switch (frame.type) {
      case 'challenge':
        if (this.#isLoginSent) return 'a second challenge'
        this.#answer(frame)
        break
      case 'registered':
        if (!this.#isLoginSent || this.#limits) return 'the confirmation of a login that is not ours'
        this.#registered(frame.limits)
        break
      case 'sent':
      case 'failed':
      case 'online':
        // An answer that comes after its time is up finds nobody: no fault of the server.
        this.#replies.get(frame.id)?.(frame)
        break
      case 'signal':
        if (!this.#limits) return 'a signal before the login'
        this.#deliver(frame)
    }
    return undefined
  }

  #answer({ nonce, time }: { nonce: string; time: number }): void {
    const { keyPair, onClockOffset, runtime, url } = this.#options
    this.#isLoginSent = true
    onClockOffset(time - runtime.clock.now())
    const signature = signLogin(keyPair, { origin: url, nonce: decodeBase64Url(nonce) ?? NOTHING, timeMs: time })
    this.#write({ type: 'register', key: keyPair.peerId, origin: url, time, signature: encodeBase64Url(signature) })
  }

  #registered(limits: AnnouncedLimits): void {
    const nowMs = this.#options.runtime.clock.monotonic()
    void this.#login.close()
    this.#limits = limits
    this.#sends = fullBucket(limits.sends, nowMs)
    this.#lookups = fullBucket(limits.lookups, nowMs)
    this.#signalsIn = fullBucket(SIGNALS_IN_RATE, nowMs)
    this.#keepAlive()
    this.#options.onRegistered()
  }

  /** A connection that died without a word looks like a quiet one, and a page does not see the server's pings: ask. */
  #keepAlive(): void {
    this.#heard = false
    this.#scope.timer(this.#options.runtime.clock, KEEPALIVE_MS, async () => {
      const isAlive = this.#heard || typeof (await this.lookup([])) !== 'string' || this.#heard
      if (this.#scope.isClosed) return
      if (isAlive) this.#keepAlive()
      else this.#end(signalError('ERR_SIGNAL_LOST', `${this.#options.url} has gone silent; dialling it again.`))
    })
  }

  #deliver({ id, box }: { id: string; box: string }): void {
    const { onSignal, runtime, url } = this.#options
    const { allowed, bucket } = this.#take(this.#signalsIn, SIGNALS_IN_RATE)
    this.#signalsIn = bucket
    const bytes = decodeBase64Url(box)
    if (allowed && bytes) onSignal({ id, box: bytes })
    else runtime.log.debug('a signal was dropped, the server hands over more than we take', { url })
  }
}

function endSocket(socket: WebSocketLike): void {
  socket.close(CLOSE_CODES.finished)
  // Node's client would otherwise wait for the server's goodbye, half a minute if it never comes.
  socket.terminate?.()
}
