import {
  type Channel,
  type CloseReason,
  FINISHED,
  MessageSlot,
  type Runtime,
  type SwarmError,
  type Timer,
} from '@resilient-swarm/contract'
import { CLOSE_CODES, type Control, decodeControl, encodeControl } from './control.ts'
import { Heartbeat } from './heartbeat.ts'
import { CLOSE_TIMEOUT_MS, LINGER_MS, MESSAGE_BYTES_MAX, RELEASE_TIMEOUT_MS, UNHEARD_BYTES_MAX } from './limits.ts'
import { SendBuffer } from './send-buffer.ts'
import { webrtcError } from './webrtc-error.ts'

export interface DataChannelOptions {
  readonly connection: RTCPeerConnection
  readonly rtc: RTCDataChannel
  readonly runtime: Runtime
  /** Ends the connection underneath; called once, at the channel's end or a little later. */
  readonly release: () => void
}

/** An RTCDataChannel as a Channel. */
export interface DataChannel extends Channel {
  /** Resolves when messages can be sent; never, where the channel ends before. */
  readonly opened: Promise<void>
}

/** Takes the data channel and its connection over, whatever state they are in. */
export function createDataChannel(options: DataChannelOptions): DataChannel {
  return new RtcChannel(options)
}

const GONE: ReadonlySet<string> = new Set(['failed', 'closed'])

class RtcChannel implements DataChannel {
  readonly maxMessageBytes = MESSAGE_BYTES_MAX
  readonly opened: Promise<void>
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  readonly #rtc: RTCDataChannel
  readonly #connection: RTCPeerConnection
  readonly #runtime: Runtime
  readonly #slot = new MessageSlot({ waitingBytesMax: UNHEARD_BYTES_MAX })
  readonly #buffer: SendBuffer
  #release: (() => void) | undefined
  #resolveOpened: () => void = () => {}
  #resolveClosed: (reason: CloseReason) => void = () => {}
  #state: 'connecting' | 'open' | 'closing' | 'ended' = 'connecting'
  #ourCode = 0
  #peerCode: number | undefined
  #isHeard = false
  #hasUnheard = false
  #timer: Timer | undefined
  #heartbeat: Heartbeat | undefined

  constructor({ connection, rtc, runtime, release }: DataChannelOptions) {
    this.#rtc = rtc
    this.#connection = connection
    this.#runtime = runtime
    this.#release = release
    this.opened = new Promise((resolve) => {
      this.#resolveOpened = resolve
    })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#buffer = new SendBuffer({
      rtc,
      clock: runtime.clock,
      onDrain: () => this.onDrain(),
      onOverflow: () => this.#fail(CLOSE_CODES.overflow, 'More was sent than the channel takes; wait for onDrain.'),
    })
    rtc.binaryType = 'arraybuffer'
    rtc.onmessage = ({ data }) => this.#receive(data)
    rtc.onopen = () => this.#open()
    rtc.onclose = () => this.#lose()
    rtc.onerror = () => this.#lose()
    connection.addEventListener('connectionstatechange', this.#watch)
    connection.addEventListener('iceconnectionstatechange', this.#watch)
    if (rtc.readyState === 'open') this.#open()
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#isHeard = true
    this.#slot.receive = receive
    if (this.#peerCode !== undefined) this.#finishForPeer(this.#peerCode)
  }

  send(message: Uint8Array): boolean {
    if (message.byteLength > MESSAGE_BYTES_MAX) {
      throw new RangeError(`a message is at most ${MESSAGE_BYTES_MAX} bytes, this one has ${message.byteLength}`)
    }
    return this.#state === 'open' && this.#write(message as Uint8Array<ArrayBuffer>) && this.#buffer.add(message.byteLength)
  }

  close({ code }: CloseReason = FINISHED): void {
    if (this.#state === 'connecting') this.#end({ by: 'us', code })
    if (this.#state !== 'open' || !this.#tell({ kind: 'close', code })) return
    this.#state = 'closing'
    this.#ourCode = code
    this.#whileDraining(CLOSE_TIMEOUT_MS, () => this.#closeUnconfirmed())
  }

  abort(error: SwarmError): void {
    this.#end({ by: 'us', code: CLOSE_CODES.lost, error })
  }

  #open(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.#heartbeat = new Heartbeat({
      clock: this.#runtime.clock,
      ping: () => this.#tell({ kind: 'ping' }),
      bufferedBytes: () => this.#rtc.bufferedAmount,
      onSilence: () => this.#lose(new Error('nothing came from the peer, not even an answer to a ping')),
    })
    this.#resolveOpened()
  }

  #write(data: string | Uint8Array<ArrayBuffer>): boolean {
    try {
      this.#rtc.send(data as Uint8Array<ArrayBuffer>)
      return true
    } catch (cause) {
      this.#lose(cause)
      return false
    }
  }

  #tell(control: Control): boolean {
    const text = encodeControl(control)
    if (!this.#write(text)) return false
    this.#buffer.add(text.length)
    return true
  }

  #receive(data: unknown): void {
    this.#heartbeat?.heard()
    if (this.#state === 'ended' || this.#peerCode !== undefined) this.#confirmed(data)
    else if (typeof data === 'string') this.#control(data)
    else this.#deliver(new Uint8Array(data as ArrayBuffer))
  }

  #deliver(message: Uint8Array): void {
    if (message.byteLength > MESSAGE_BYTES_MAX) {
      this.#fail(CLOSE_CODES.protocol, `The peer sent a message over ${MESSAGE_BYTES_MAX} bytes.`)
    } else if (this.#slot.push(message)) {
      this.#hasUnheard ||= !this.#isHeard
    } else {
      this.#fail(CLOSE_CODES.overflow, `The peer sent over ${UNHEARD_BYTES_MAX} bytes before anybody listened.`)
    }
  }

  #control(text: string): void {
    const control = decodeControl(text)
    if (control?.kind === 'ping') this.#tell({ kind: 'pong' })
    else if (control?.kind === 'close') this.#closeForPeer(control.code)
    else if (control?.kind === 'closed' && this.#state === 'closing') this.#end({ by: 'us', code: this.#ourCode })
    else if (control?.kind !== 'pong') this.#fail(CLOSE_CODES.protocol, 'The peer sent a text that is not of this protocol.')
  }

  #closeForPeer(code: number): void {
    this.#peerCode = code
    if (this.#isHeard || !this.#hasUnheard) this.#finishForPeer(code)
  }

  /** After the peer's close only its confirmation of our own means anything. */
  #confirmed(data: unknown): void {
    if (this.#state === 'closing' && data === 'closed') this.#end({ by: 'us', code: this.#ourCode })
  }

  /** Everything that the peer sent was delivered: say so, and keep the connection until that has arrived. */
  #finishForPeer(code: number): void {
    if (this.#state === 'ended' || !this.#tell({ kind: 'closed' })) return
    if (this.#state !== 'closing') this.#end({ by: 'peer', code }, LINGER_MS)
  }

  /** Calls `giveUp` after `timeoutMs` in which nothing was taken from the send buffer. */
  #whileDraining(timeoutMs: number, giveUp: () => void): void {
    const bufferedBytes = this.#rtc.bufferedAmount
    this.#timer = this.#runtime.clock.setTimer(timeoutMs, () => {
      if (this.#rtc.bufferedAmount < bufferedBytes) this.#whileDraining(timeoutMs, giveUp)
      else giveUp()
    })
  }

  #closeUnconfirmed(): void {
    const message = 'The peer did not confirm that it got everything before the channel was closed.'
    this.#end({ by: 'us', code: CLOSE_CODES.lost, error: webrtcError('ERR_WEBRTC_TIMEOUT', message) })
  }

  #watch = (): void => {
    const { connectionState, iceConnectionState } = this.#connection
    if (GONE.has(connectionState) || GONE.has(iceConnectionState)) this.#lose()
  }

  /** The channel or its connection ended underneath. */
  #lose(cause?: unknown): void {
    if (this.#state === 'ended') {
      this.#releaseNow()
    } else if (this.#state === 'closing' && this.#peerCode !== undefined) {
      // Both sides closed: the peer had confirmed ours before it let go, even if its words were lost.
      this.#end({ by: 'us', code: this.#ourCode })
    } else {
      const message = 'The connection to the peer was lost; dial it again.'
      const error = webrtcError('ERR_WEBRTC_LOST', message, { cause, retryable: true })
      this.#end({ by: 'peer', code: CLOSE_CODES.lost, error })
    }
  }

  #fail(code: number, message: string): void {
    const name = code === CLOSE_CODES.protocol ? 'ERR_WEBRTC_PROTOCOL' : 'ERR_WEBRTC_OVERFLOW'
    this.#end({ by: 'us', code, error: webrtcError(name, message) })
  }

  #end(reason: CloseReason, lingerMs = 0): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#buffer.stop()
    this.#heartbeat?.stop()
    this.#timer?.cancel()
    if (reason.error) this.#slot.clear()
    this.#resolveClosed(reason)
    if (lingerMs === 0) this.#releaseNow()
    else this.#whileDraining(lingerMs, () => this.#releaseNow())
  }

  /**
   * First the channel, then the connection. The other way round a page is not told at all, and node-datachannel at times
   * forgets the channel of a closed connection, which keeps the process alive.
   */
  #releaseNow(): void {
    this.#timer?.cancel()
    const release = this.#release
    if (!release) return
    this.#release = undefined
    for (const event of ['onmessage', 'onopen', 'onerror'] as const) this.#rtc[event] = null
    this.#connection.removeEventListener('connectionstatechange', this.#watch)
    this.#connection.removeEventListener('iceconnectionstatechange', this.#watch)
    if (this.#rtc.readyState === 'closed') {
      release()
      return
    }
    const timer = this.#runtime.clock.setTimer(RELEASE_TIMEOUT_MS, release)
    this.#rtc.onclose = () => {
      timer.cancel()
      release()
    }
    this.#rtc.close()
  }
}
