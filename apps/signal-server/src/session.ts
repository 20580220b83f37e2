import {
  type Bucket,
  decodeBase64Url,
  encodeBase64Url,
  fullBucket,
  type PeerId,
  type Rate,
  type Runtime,
  Scope,
  takeToken,
} from '@resilient-swarm/contract'
import { publicKeyOf } from '@resilient-swarm/identity'
import {
  BOX_BYTES_MAX,
  boxBytes,
  CLOSE_CODES,
  type ClientFrame,
  type CloseCodeName,
  encodeFrame,
  type FailureCode,
  LOGIN_TIME_SKEW_MS,
  NONCE_BYTES,
  parseClientFrame,
  type ServerFrame,
  verifyLogin,
} from '@resilient-swarm/signal-exchange/protocol'
import type { Directory, Holder } from './directory.ts'
import type { SignalServerLimits } from './limits.ts'

/** What a session stands on; a WebSocket in the server, a plain object in tests. */
export interface SessionPort {
  /** `written` is called when the text has left for the client. */
  send(text: string, written: () => void): void
  close(code: number, reason: string): void
}

/** What happened, for the log and the counts. */
export type SessionEvent =
  | { readonly kind: 'registered' | 'left'; readonly key: PeerId }
  | { readonly kind: 'forwarded' | 'rate' | 'size' | 'frame' }
  /** `from` has a signal for `to`, who is not here; any text of a key's shape. */
  | { readonly kind: 'offline'; readonly from: PeerId; readonly to: string }
  | { readonly kind: 'closed'; readonly why: CloseCodeName; readonly key: PeerId | undefined }

export interface SessionOptions {
  readonly port: SessionPort
  readonly directory: Directory<Holder>
  readonly limits: SignalServerLimits
  readonly runtime: Runtime
  /** Whether this server goes by that URL on this connection. */
  readonly isOwnOrigin: (origin: string) => boolean
  readonly onEvent: (event: SessionEvent) => void
}

/** One client, from its challenge to its end. Whatever it says, nothing here throws. */
export interface Session extends Holder {
  /** One text frame from the client. */
  receive(text: string): void
  /** Not a text frame. */
  refuseBinary(): void
  /** The socket is gone. */
  end(): void
}

const REASONS: Partial<Record<CloseCodeName, string>> = {
  goingAway: 'the server shuts down',
  frameInvalid: 'not a frame',
  frameUnexpected: 'a frame at the wrong time',
  loginTimeout: 'no login in time',
  loginOrigin: 'the login is for another server',
  loginTime: 'the login is of another time',
  loginSignature: 'the signature does not prove the key',
  displaced: 'a newer login of this key',
  tooSlow: 'answers are not read',
  tooMany: 'too many frames',
  silent: 'no answer to pings',
}

/** Challenges the client at once. */
export function createSession(options: SessionOptions): Session {
  const session = new ClientSession(options)
  session.challenge()
  return session
}

class ClientSession implements Session {
  readonly #options: SessionOptions
  readonly #scope = new Scope()
  readonly #login: Scope
  readonly #nonce: Uint8Array
  #key: PeerId | undefined
  #waiting = 0
  #frames: Bucket
  #sends: Bucket
  #lookups: Bucket

  constructor(options: SessionOptions) {
    const { limits, runtime } = options
    const nowMs = runtime.clock.monotonic()
    this.#options = options
    this.#login = this.#scope.child()
    this.#nonce = runtime.random.bytes(NONCE_BYTES)
    this.#frames = fullBucket(limits.frames, nowMs)
    this.#sends = fullBucket(limits.sends, nowMs)
    this.#lookups = fullBucket(limits.lookups, nowMs)
  }

  challenge(): void {
    const { limits, runtime } = this.#options
    this.#login.timer(runtime.clock, limits.loginTimeoutMs, () => this.close('loginTimeout'))
    this.#write({ type: 'challenge', nonce: encodeBase64Url(this.#nonce), time: runtime.clock.now() })
  }

  receive(text: string): void {
    if (this.#scope.isClosed) return
    const why = this.#act(text)
    if (why) this.close(why)
  }

  refuseBinary(): void {
    this.close('frameInvalid')
  }

  deliver(signal: { readonly id: string; readonly box: string }): boolean {
    if (this.#scope.isClosed || this.#waiting >= this.#options.limits.queueFramesMax) return false
    this.#write({ type: 'signal', id: signal.id, box: signal.box })
    return true
  }

  close(why: CloseCodeName): void {
    if (this.#scope.isClosed) return
    const key = this.#key
    this.end()
    this.#options.onEvent({ kind: 'closed', why, key })
    this.#options.port.close(CLOSE_CODES[why], REASONS[why] ?? '')
  }

  end(): void {
    if (this.#scope.isClosed) return
    void this.#scope.close()
    if (this.#key === undefined) return
    this.#options.directory.release(this.#key, this)
    this.#options.onEvent({ kind: 'left', key: this.#key })
  }

  /** Does what a frame says; the answer is why the session must end, if it must. */
  #act(text: string): CloseCodeName | undefined {
    const { limits, onEvent, runtime } = this.#options
    onEvent({ kind: 'frame' })
    const { allowed, bucket } = takeToken(this.#frames, limits.frames, runtime.clock.monotonic())
    this.#frames = bucket
    if (!allowed) return 'tooMany'
    const frame = parseClientFrame(text)
    if (!frame) return 'frameInvalid'
    if ((frame.type === 'register') === (this.#key !== undefined)) return 'frameUnexpected'
    switch (frame.type) {
      case 'register':
        return this.#register(frame)
      case 'lookup':
        return this.#reply(this.#lookup(frame))
      case 'send':
        return this.#reply(this.#send(frame, this.#key as PeerId))
    }
  }

  #register({ key, origin, time, signature }: Extract<ClientFrame, { type: 'register' }>): CloseCodeName | undefined {
    const { directory, isOwnOrigin, limits, onEvent, runtime } = this.#options
    if (!isOwnOrigin(origin)) return 'loginOrigin'
    if (Math.abs(time - runtime.clock.now()) > LOGIN_TIME_SKEW_MS) return 'loginTime'
    // The nonce is this connection's own and a second login ends it: a captured login never fits again.
    const claim = { origin, nonce: this.#nonce, timeMs: time }
    const signatureBytes = decodeBase64Url(signature)
    if (!signatureBytes || !verifyLogin({ publicKey: publicKeyOf(key), claim, signature: signatureBytes }))
      return 'loginSignature'
    void this.#login.close()
    this.#key = key
    directory.claim(key, this)?.close('displaced')
    onEvent({ kind: 'registered', key })
    const { lookups, sends } = limits
    return this.#reply({ type: 'registered', limits: { boxBytes: BOX_BYTES_MAX, sends, lookups } })
  }

  #lookup({ id, keys }: Extract<ClientFrame, { type: 'lookup' }>): ServerFrame {
    const { directory, limits } = this.#options
    const { allowed, bucket } = this.#take(this.#lookups, limits.lookups)
    this.#lookups = bucket
    if (!allowed) return this.#failed(id, 'rate')
    return { type: 'online', id, keys: keys.filter((key) => directory.get(key) !== undefined) }
  }

  #send({ to, id, box }: Extract<ClientFrame, { type: 'send' }>, from: PeerId): ServerFrame {
    const { directory, limits, onEvent } = this.#options
    const { allowed, bucket } = this.#take(this.#sends, limits.sends)
    this.#sends = bucket
    if (!allowed) return this.#failed(id, 'rate')
    if (boxBytes(box) > BOX_BYTES_MAX) return this.#failed(id, 'size')
    const receiver = directory.get(to)
    if (!receiver) {
      onEvent({ kind: 'offline', from, to })
      return { type: 'failed', id, code: 'offline' }
    }
    if (!receiver.deliver({ id, box })) return this.#failed(id, 'rate')
    onEvent({ kind: 'forwarded' })
    return { type: 'sent', id }
  }

  #take(bucket: Bucket, rate: Rate): { readonly allowed: boolean; readonly bucket: Bucket } {
    return takeToken(bucket, rate, this.#options.runtime.clock.monotonic())
  }

  #failed(id: string, code: Exclude<FailureCode, 'offline'>): ServerFrame {
    this.#options.onEvent({ kind: code })
    return { type: 'failed', id, code }
  }

  /** An answer that finds the queue full means that the client asks and does not read. */
  #reply(frame: ServerFrame): CloseCodeName | undefined {
    if (this.#waiting >= this.#options.limits.queueFramesMax) return 'tooSlow'
    this.#write(frame)
    return undefined
  }

  #write(frame: ServerFrame): void {
    this.#waiting++
    this.#options.port.send(encodeFrame(frame), () => {
      this.#waiting--
    })
  }
}
