import {
  type Channel,
  type CloseReason,
  FINISHED,
  MessageSlot,
  type RawSubstream,
  readVarint,
  type Substream,
  SwarmError,
  VARINT_BYTES_MAX,
  varintLength,
  writeVarint,
} from '@resilient-swarm/contract'
import { type MultiplexerErrorCode, RESET_CODES } from './errors.ts'
import { CHANNEL_MESSAGE_BYTES_MAX } from './limits.ts'

export interface ToChannelOptions {
  /** Longest message, the same on both sides; 1 byte to 16 MiB, 64 KiB unless told otherwise. */
  readonly maxMessageBytes?: number
}

const MESSAGE_BYTES_LIMIT = 16 * 1024 * 1024 // a message is put together in memory before it is delivered

/** A channel over one substream: each message behind its length as a varint. Takes the substream raw. */
export function toChannel(substream: Substream, { maxMessageBytes = CHANNEL_MESSAGE_BYTES_MAX }: ToChannelOptions = {}): Channel {
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 1 || maxMessageBytes > MESSAGE_BYTES_LIMIT) {
    throw new RangeError(`maxMessageBytes must be an integer from 1 to ${MESSAGE_BYTES_LIMIT}`)
  }
  return new SubstreamChannel(substream, maxMessageBytes)
}

class SubstreamChannel implements Channel {
  readonly maxMessageBytes: number
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  readonly #raw: RawSubstream
  readonly #slot = new MessageSlot({ waitingBytesMax: Number.MAX_SAFE_INTEGER }) // bounded by credit, see `onMessage`
  readonly #messages: MessageReader
  #ending = false
  #ended = false
  #reason: CloseReason | undefined
  #resolveClosed: (reason: CloseReason) => void = () => {}

  constructor(substream: Substream, maxMessageBytes: number) {
    this.maxMessageBytes = maxMessageBytes
    this.#raw = substream.raw()
    this.#messages = new MessageReader({ maxMessageBytes, onMessage: (message) => this.#ended || this.#slot.push(message) })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#raw.onDrain = () => this.onDrain()
    this.#raw.onEnd = () => this.#peerEnded()
    void substream.closed.then((end) => {
      const lost = 'The substream under this channel was reset or its session ended. Open it again.'
      if (end.kind === 'finished') this.#end(this.#reason ?? { by: 'peer', code: 0 })
      else
        this.#end({ by: end.by, code: end.code, error: new SwarmError(lost, { code: 'ERR_SUBSTREAM_RESET', retryable: true }) })
    })
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  /** Until somebody listens nothing is taken from the substream, so what waits is bounded by its credit. */
  set onMessage(receive: (message: Uint8Array) => void) {
    this.#slot.receive = receive
    this.#raw.onBytes = (bytes) => this.#onBytes(bytes)
  }

  send(message: Uint8Array): boolean {
    if (message.byteLength > this.maxMessageBytes) {
      throw new RangeError(`a message is at most ${this.maxMessageBytes} bytes, this one has ${message.byteLength}`)
    }
    if (this.#ending || this.#ended) return false
    const length = new Uint8Array(varintLength(message.byteLength))
    writeVarint(length, 0, message.byteLength)
    const hasRoom = this.#raw.write(length)
    return message.byteLength > 0 ? this.#raw.write(message) : hasRoom
  }

  /** Flushes, then waits for the other side's end. A code stays on this side: a byte stream's end has no room for one. */
  close(reason: CloseReason = FINISHED): void {
    if (this.#ending || this.#ended) return
    this.#ending = true
    this.#reason = reason
    this.#raw.end()
  }

  abort(error: SwarmError): void {
    if (this.#ended) return
    this.#end({ by: 'us', code: RESET_CODES.cancelled, error })
    this.#raw.reset(RESET_CODES.cancelled)
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#ended) return
    if (this.#messages.push(bytes)) this.#raw.consume(bytes.byteLength)
    else this.#breakOff('a message is longer than this side takes, or its length is no varint')
  }

  #peerEnded(): void {
    if (this.#messages.isInside) {
      this.#breakOff('the substream ended inside a message')
      return
    }
    this.#ending = true
    this.#raw.end()
  }

  #breakOff(what: string): void {
    const code: MultiplexerErrorCode = 'ERR_CHANNEL_PROTOCOL'
    const error = new SwarmError(`The peer does not speak this channel's framing: ${what}. Update whichever side is older.`, {
      code,
    })
    this.#end({ by: 'us', code: RESET_CODES.channelProtocol, error })
    this.#raw.reset(RESET_CODES.channelProtocol)
  }

  #end(reason: CloseReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#ending = true
    this.#resolveClosed(reason)
  }
}

interface MessageReaderOptions {
  readonly maxMessageBytes: number
  readonly onMessage: (message: Uint8Array) => void
}

/** Cuts a byte stream into messages; a message that came whole is not copied. */
class MessageReader {
  readonly #options: MessageReaderOptions
  readonly #prefix = new Uint8Array(VARINT_BYTES_MAX)
  #prefixBytes = 0
  #message: Uint8Array | undefined
  #filledBytes = 0

  constructor(options: MessageReaderOptions) {
    this.#options = options
  }

  /** In the middle of a message or its length. */
  get isInside(): boolean {
    return this.#message !== undefined || this.#prefixBytes > 0
  }

  /** False: not a length, or over the maximum. */
  push(bytes: Uint8Array): boolean {
    let offset = 0
    while (offset < bytes.byteLength) {
      if (this.#message) {
        offset = this.#fill(this.#message, bytes, offset)
        continue
      }
      const byte = bytes[offset++] as number
      this.#prefix[this.#prefixBytes++] = byte
      if (byte >= 0x80 && this.#prefixBytes < VARINT_BYTES_MAX) continue
      const length = readVarint(this.#prefix.subarray(0, this.#prefixBytes), 0)
      if (length === undefined || length === 'invalid' || length.value > this.#options.maxMessageBytes) return false
      this.#prefixBytes = 0
      if (offset + length.value <= bytes.byteLength) {
        this.#options.onMessage(bytes.subarray(offset, offset + length.value))
        offset += length.value
      } else {
        this.#message = new Uint8Array(length.value)
        this.#filledBytes = 0
      }
    }
    return true
  }

  #fill(message: Uint8Array, bytes: Uint8Array, offset: number): number {
    const take = Math.min(message.byteLength - this.#filledBytes, bytes.byteLength - offset)
    message.set(bytes.subarray(offset, offset + take), this.#filledBytes)
    this.#filledBytes += take
    if (this.#filledBytes === message.byteLength) {
      this.#message = undefined
      this.#options.onMessage(message)
    }
    return offset + take
  }
}
