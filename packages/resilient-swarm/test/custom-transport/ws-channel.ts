import {
  type Channel,
  type Clock,
  type CloseReason,
  FINISHED,
  MessageSlot,
  SwarmError,
  type Timer,
} from '@resilient-swarm/contract'
import { type RawData, WebSocket } from 'ws'

export const MESSAGE_BYTES_MAX = 16 * 1024 // a record of the cipher above; ws refuses longer ones while it reads
export const BUFFERED_BYTES_HIGH = 64 * 1024 // `send` says false from here; a ping waits behind no more than this
export const BUFFERED_BYTES_MAX = 4 * 1024 * 1024 // a sender that does not stop at false loses its channel here
export const UNHEARD_BYTES_MAX = 256 * 1024 // before `onMessage` is assigned, which is in the turn that gets the path
export const CLOSE_TIMEOUT_MS = 5_000 // for what was sent and the peer's answer; then it counts as lost
export const CODES = { finished: 0, lost: 1, protocol: 2, overflow: 3 } as const
const ORDINARY_END = 1000 // RFC 6455 §7.4.1; an end without a close frame is 1006

/** An open WebSocket as a Channel; takes it over. */
export class WsChannel implements Channel {
  readonly maxMessageBytes = MESSAGE_BYTES_MAX
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  readonly #socket: WebSocket
  readonly #clock: Clock
  readonly #slot = new MessageSlot({ waitingBytesMax: UNHEARD_BYTES_MAX })
  #resolveClosed: (reason: CloseReason) => void = () => {}
  #isFull = false
  #isHeard = false
  #hasUnheard = false
  #isEnded = false
  #ourEnd: CloseReason | undefined
  #lateEnd: CloseReason | undefined
  #timer: Timer | undefined

  constructor({ socket, clock }: { socket: WebSocket; clock: Clock }) {
    this.#socket = socket
    this.#clock = clock
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('close', (code, reason) => this.#onClose(code, reason.toString()))
    socket.on('error', (cause) => this.#lose(cause))
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#isHeard = true
    this.#slot.receive = receive
    if (this.#lateEnd) this.#end(this.#lateEnd)
  }

  send(message: Uint8Array): boolean {
    if (message.byteLength > MESSAGE_BYTES_MAX) throw new RangeError(`a message is at most ${MESSAGE_BYTES_MAX} bytes`)
    if (this.#socket.readyState !== WebSocket.OPEN) return false
    this.#socket.send(message, () => this.#onWritten())
    if (this.#socket.bufferedAmount > BUFFERED_BYTES_MAX) this.#fail('overflow', 'More was sent than goes out: wait for onDrain.')
    this.#isFull ||= this.#socket.bufferedAmount >= BUFFERED_BYTES_HIGH
    return !this.#isFull
  }

  close({ code }: CloseReason = FINISHED): void {
    if (this.#lateEnd) this.#end(this.#lateEnd)
    if (this.#socket.readyState !== WebSocket.OPEN) return
    this.#ourEnd = { by: 'us', code }
    this.#socket.close(ORDINARY_END, String(code)) // behind all that was sent
    this.#timer = this.#clock.setTimer(CLOSE_TIMEOUT_MS, () => this.#fail('lost', 'The peer did not answer the close.'))
  }

  abort(error: SwarmError): void {
    this.#end({ by: 'us', code: CODES.lost, error })
  }

  /** ws has no drain event, but tells of each message when it was handed to the operating system. */
  #onWritten(): void {
    if (!this.#isFull || this.#socket.bufferedAmount > 0 || this.#socket.readyState !== WebSocket.OPEN) return
    this.#isFull = false
    this.onDrain()
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isEnded) return
    if (!isBinary) this.#fail('protocol', 'The peer sent a text.')
    else if (!this.#slot.push(new Uint8Array(data as ArrayBuffer))) this.#fail('overflow', 'The peer sent before it was heard.')
    else this.#hasUnheard = true
  }

  #onClose(code: number, reason: string): void {
    const end = this.#ourEnd ?? { by: 'peer', code: Number(reason) }
    if (code !== ORDINARY_END || !/^\d{1,5}$/.test(reason)) this.#lose()
    else if (this.#ourEnd || this.#isHeard || !this.#hasUnheard) this.#end(end)
    else this.#lateEnd = end // nothing is delivered after an end, so what waits comes first
  }

  #lose(cause?: unknown): void {
    const error = wsError('ERR_WS_LOST', { message: 'The connection to the peer was lost; dial it again.', cause })
    this.#end({ by: 'peer', code: CODES.lost, error })
  }

  #fail(name: keyof typeof CODES, message: string): void {
    this.#end({ by: 'us', code: CODES[name], error: wsError('ERR_WS_LOST', { message }) })
  }

  #end(reason: CloseReason): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#timer?.cancel()
    if (reason.error) this.#socket.terminate()
    if (reason.error || !this.#isHeard) this.#slot.clear()
    this.#resolveClosed(reason)
  }
}

export function wsError(
  code: 'ERR_WS_LOST' | 'ERR_WS_NO_URL',
  { message, cause }: { message: string; cause?: unknown },
): SwarmError {
  return new SwarmError(message, { code, retryable: code === 'ERR_WS_LOST', cause })
}
