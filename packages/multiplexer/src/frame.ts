import { concatBytes } from '@resilient-swarm/contract'
import { CLOSE_CODES, ProtocolViolation } from './errors.ts'
import { PLAIN_FRAME_BYTES_MAX, SUBSTREAM_ID_MAX, TYPE_BYTES_MAX } from './limits.ts'

/**
 * Every frame there is: `varint(id << 3 | flag) ‖ varint length ‖ data`. 0 to 6 are mplex's own
 * (libp2p/specs, mplex: "Message format"), 7 is ours. "Initiator" is the side that opened the substream.
 */
export const FLAGS = Object.freeze({
  newStream: 0,
  messageReceiver: 1,
  messageInitiator: 2,
  closeReceiver: 3,
  closeInitiator: 4,
  resetReceiver: 5,
  resetInitiator: 6,
  credit: 7,
})

export type Flag = (typeof FLAGS)[keyof typeof FLAGS]

export interface Frame {
  readonly flag: Flag
  readonly id: number
  readonly data?: Uint8Array
}

const NO_BYTES = new Uint8Array(0)
const HEADER_MAX = SUBSTREAM_ID_MAX * 8 + 7 // 2³¹ − 1
const CREDIT_BYTES_MAX = 5 // a varint under 2³²: credit is clamped to 2³¹ − 1, and one bit says whose it is

/** One whole frame in a buffer of its own; for control frames and tests, data takes `writeHeader` and one copy. */
export function encodeFrame({ flag, id, data = NO_BYTES }: Frame): Uint8Array {
  const header = id * 8 + flag
  const bytes = new Uint8Array(smallVarintLength(header) + smallVarintLength(data.byteLength) + data.byteLength)
  bytes.set(data, writeHeader(bytes, 0, header, data.byteLength))
  return bytes
}

/** Writes both varints at `offset` and returns the offset of the data. Both numbers are under 2³¹. */
export function writeHeader(target: Uint8Array, offset: number, header: number, length: number): number {
  return writeSmallVarint(target, writeSmallVarint(target, offset, header), length)
}

/** Bytes that a number under 2³¹ takes. */
export function smallVarintLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

function writeSmallVarint(target: Uint8Array, offset: number, value: number): number {
  let position = offset
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) target[position++] = (rest & 0x7f) | 0x80
  target[position++] = rest
  return position
}

/** Is told each frame in order. Data frames may come in parts, each with its frame's flag and id. */
export type OnFrame = (flag: Flag, id: number, data: Uint8Array) => void

export interface FrameDecoderOptions {
  readonly onFrame: OnFrame
  /** True for plain mplex over anything that keeps no boundaries; false when each message holds whole frames only. */
  readonly spanning: boolean
}

/**
 * Reads frames from channel messages. Data is handed on as it comes, without a copy, so that nothing but a split header,
 * type or credit (under 80 bytes) is ever kept between messages. Throws a ProtocolViolation; the decoder is then spent.
 */
export class FrameDecoder {
  readonly #onFrame: OnFrame
  readonly #spanning: boolean
  #carried: Uint8Array = NO_BYTES
  #bodyFlag: Flag = FLAGS.newStream
  #bodyId = 0
  #bodyRest = 0
  #varint = 0

  constructor({ onFrame, spanning }: FrameDecoderOptions) {
    this.#onFrame = onFrame
    this.#spanning = spanning
  }

  push(message: Uint8Array): void {
    let bytes = message
    if (this.#carried.byteLength > 0) {
      bytes = concatBytes(this.#carried, message)
      this.#carried = NO_BYTES
    }
    let offset = this.#bodyRest > 0 ? this.#body(bytes, 0) : 0
    while (offset < bytes.byteLength) {
      const next = this.#frame(bytes, offset)
      if (next < 0) {
        this.#carried = bytes.slice(offset)
        break
      }
      offset = next
    }
    if (!this.#spanning && (this.#bodyRest > 0 || this.#carried.byteLength > 0)) {
      throw new ProtocolViolation(CLOSE_CODES.frameTruncated, 'a frame goes on beyond the end of its message')
    }
  }

  /** One frame at `offset`; the offset behind what was read, or −1 when more bytes are needed first. */
  #frame(bytes: Uint8Array, offset: number): number {
    const lengthAt = this.#read(bytes, offset, HEADER_MAX)
    if (lengthAt < 0) return -1
    const header = this.#varint
    const dataAt = this.#read(bytes, lengthAt, HEADER_MAX)
    if (dataAt < 0) return -1
    const length = this.#varint
    const flag = (header & 7) as Flag
    const id = header >>> 3
    this.#checkLength(flag, length)
    switch (flag) {
      case FLAGS.messageReceiver:
      case FLAGS.messageInitiator:
        if (length === 0) {
          this.#onFrame(flag, id, NO_BYTES)
          return dataAt
        }
        break
      case FLAGS.newStream:
      case FLAGS.credit:
        if (bytes.byteLength - dataAt < length) return -1
        this.#onFrame(flag, id, bytes.subarray(dataAt, dataAt + length))
        return dataAt + length
      case FLAGS.closeReceiver:
      case FLAGS.closeInitiator:
      case FLAGS.resetReceiver:
      case FLAGS.resetInitiator:
        this.#onFrame(flag, id, NO_BYTES)
    }
    this.#bodyFlag = flag
    this.#bodyId = id
    this.#bodyRest = length
    return this.#body(bytes, dataAt)
  }

  #body(bytes: Uint8Array, offset: number): number {
    const end = Math.min(bytes.byteLength, offset + this.#bodyRest)
    if (end === offset) return end
    this.#bodyRest -= end - offset
    // Only data has a body to hand on; what plain mplex hangs on a close or reset is skipped, as js-libp2p does.
    if (this.#bodyFlag === FLAGS.messageInitiator || this.#bodyFlag === FLAGS.messageReceiver) {
      this.#onFrame(this.#bodyFlag, this.#bodyId, offset === 0 && end === bytes.byteLength ? bytes : bytes.subarray(offset, end))
    }
    return end
  }

  /** Before a byte of the body is waited for: nobody makes us wait for, or keep, more than a frame may hold. */
  #checkLength(flag: Flag, length: number): void {
    switch (flag) {
      case FLAGS.newStream:
        if (length > TYPE_BYTES_MAX)
          throw new ProtocolViolation(CLOSE_CODES.typeInvalid, `a type has at most ${TYPE_BYTES_MAX} bytes`)
        return
      case FLAGS.credit:
        if (length > CREDIT_BYTES_MAX) throw new ProtocolViolation(CLOSE_CODES.creditInvalid, 'a credit is one varint')
        return
      case FLAGS.messageReceiver:
      case FLAGS.messageInitiator:
        break
      case FLAGS.closeReceiver:
      case FLAGS.closeInitiator:
      case FLAGS.resetReceiver:
      case FLAGS.resetInitiator:
        if (length > 0 && !this.#spanning) {
          throw new ProtocolViolation(CLOSE_CODES.frameMalformed, 'a close or reset carries no data')
        }
    }
    if (length > PLAIN_FRAME_BYTES_MAX) {
      throw new ProtocolViolation(CLOSE_CODES.frameTooLong, `a frame carries at most ${PLAIN_FRAME_BYTES_MAX} bytes`)
    }
  }

  /** Reads a varint into `#varint`; the offset behind it, or −1 when it goes on beyond the bytes. */
  #read(bytes: Uint8Array, offset: number, max: number): number {
    let value = 0
    for (let count = 0; count < 5; count++) {
      const byte = bytes[offset + count]
      if (byte === undefined) return -1
      value += (byte & 0x7f) * 2 ** (7 * count)
      if (byte < 0x80) {
        if ((byte === 0 && count > 0) || value > max) break
        this.#varint = value
        return offset + count + 1
      }
    }
    throw new ProtocolViolation(CLOSE_CODES.frameMalformed, 'a number is over 2^31 - 1 or longer than needed')
  }
}
