import { type ControlFrame, decodeControl, FRAME_TYPES, HEADER_BYTES_MAX, payloadBytesMax } from './messages.ts'

/**
 * What one step found. `partial`: the bytes ended inside a header or a control frame. `header`: of a MESSAGE, whose payload
 * follows. `payload`: a piece of it. `control`: a whole other frame. `invalid`: not of this protocol, for good.
 */
export type ScanEvent = 'partial' | 'header' | 'payload' | 'control' | 'invalid'

/**
 * Finds the frames in a byte stream, however it was cut, without copying a message: an end puts messages together from what it
 * finds, a relay passes the very bytes on. Keeps at most one control frame.
 */
export class FrameScanner {
  event: ScanEvent = 'partial'
  /** After `control`. */
  control: ControlFrame | undefined
  /** After `header`: of the whole payload. */
  messageBytes = 0
  /** Of the message's payload still to come. */
  restBytes = 0
  /** After `header`: it began in bytes before these, see `header`. */
  headerStraddles = false
  readonly #header = new Uint8Array(HEADER_BYTES_MAX)
  #headerBytes = 0
  #type = 0
  #payload: Uint8Array | undefined
  #payloadBytes = 0

  /** Between two frames, or in one of which nothing was passed on yet: the place where a relay may put its own. */
  get isBetweenMessages(): boolean {
    return this.restBytes === 0
  }

  /** In the middle of any frame. */
  get isInside(): boolean {
    return this.restBytes > 0 || this.#headerBytes > 0 || this.#payload !== undefined
  }

  /** The bytes of a MESSAGE header that straddled. */
  get header(): Uint8Array {
    return this.#header.slice(0, 1 + varintBytes(this.messageBytes))
  }

  /** Goes on at `offset`, before the end of `bytes`; sets `event` and returns the offset behind what it found. */
  step(bytes: Uint8Array, offset: number): number {
    if (this.restBytes > 0) {
      const take = Math.min(this.restBytes, bytes.byteLength - offset)
      this.restBytes -= take
      this.event = 'payload'
      return offset + take
    }
    return this.#payload ? this.#gather(this.#payload, bytes, offset) : this.#readHeader(bytes, offset)
  }

  #readHeader(bytes: Uint8Array, offset: number): number {
    this.headerStraddles = this.#headerBytes > 0
    let at = offset
    while (at < bytes.byteLength) {
      const byte = bytes[at++] as number
      this.#header[this.#headerBytes++] = byte
      const max = payloadBytesMax(this.#header[0] as number)
      if (max === undefined) return this.#invalid(bytes)
      if (this.#headerBytes === 1 || (byte >= 0x80 && this.#headerBytes < HEADER_BYTES_MAX)) continue
      const length = this.#length()
      this.#headerBytes = 0
      if (length === undefined || length > max) return this.#invalid(bytes)
      return this.#begin(this.#header[0] as number, length, at)
    }
    this.event = 'partial'
    return at
  }

  /** The varint behind the type; undefined for a spelling that is too long. */
  #length(): number | undefined {
    let length = 0
    for (let index = this.#headerBytes - 1; index > 0; index--) length = length * 0x80 + ((this.#header[index] as number) & 0x7f)
    const last = this.#header[this.#headerBytes - 1] as number
    return last >= 0x80 || (last === 0 && this.#headerBytes > 2) ? undefined : length
  }

  #begin(type: number, length: number, offset: number): number {
    if (type === FRAME_TYPES.message) {
      this.messageBytes = length
      this.restBytes = length
      this.event = 'header'
      return offset
    }
    this.#type = type
    this.#payload = new Uint8Array(length)
    this.#payloadBytes = 0
    this.event = 'partial'
    return length === 0 ? this.#gather(this.#payload, EMPTY, 0) + offset : offset
  }

  #gather(payload: Uint8Array, bytes: Uint8Array, offset: number): number {
    const take = Math.min(payload.byteLength - this.#payloadBytes, bytes.byteLength - offset)
    payload.set(bytes.subarray(offset, offset + take), this.#payloadBytes)
    this.#payloadBytes += take
    this.event = 'partial'
    if (this.#payloadBytes === payload.byteLength) {
      this.#payload = undefined
      this.control = decodeControl(this.#type, payload)
      this.event = this.control ? 'control' : 'invalid'
    }
    return offset + take
  }

  #invalid(bytes: Uint8Array): number {
    this.event = 'invalid'
    return bytes.byteLength
  }
}

const EMPTY = new Uint8Array(0)

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3
}
