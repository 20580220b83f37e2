import { concatBytes, encodeVarint, readVarint, varintLength, writeVarint } from '@resilient-swarm/contract'
import { CLOSE_CODE_MAX, CLOSE_CODES } from './close-codes.ts'
import { ProtocolViolation } from './errors.ts'
import { FRAME_BYTES_MAX } from './limits.ts'

/** Every frame there is: its type in one byte, then its fields. One channel message holds one frame. */
export const FRAME_TYPES = Object.freeze({
  hello: 0,
  data: 1,
  ack: 2,
  ping: 3,
  pong: 4,
  drain: 5,
  close: 6,
  abort: 7,
})

/** Numbers are varints; `seq` counts DATA and CLOSE from 0, `ack` and `received` are the next `seq` that is expected. */
export type Frame =
  | { readonly type: 'hello'; readonly tag: Uint8Array; readonly peerTag: Uint8Array | undefined; readonly received: number }
  | { readonly type: 'data'; readonly seq: number; readonly ack: number; readonly bytes: Uint8Array }
  | { readonly type: 'ack'; readonly ack: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'drain' }
  | { readonly type: 'close'; readonly seq: number; readonly code: number }
  | { readonly type: 'abort'; readonly code: number }

export const TAG_BYTES = 16
const NO_TAG = new Uint8Array(TAG_BYTES) // the sender knows no session of the receiver yet
const HELLO_BYTES_MIN = 1 + 2 * TAG_BYTES + 1

/** One frame in a buffer of its own; DATA at speed goes through `writeData`. */
export function encodeFrame(frame: Frame): Uint8Array {
  const type = Uint8Array.of(FRAME_TYPES[frame.type])
  switch (frame.type) {
    case 'hello':
      return concatBytes(type, frame.tag, frame.peerTag ?? NO_TAG, encodeVarint(frame.received))
    case 'data':
      return concatBytes(type, encodeVarint(frame.seq), encodeVarint(frame.ack), frame.bytes)
    case 'ack':
      return concatBytes(type, encodeVarint(frame.ack))
    case 'ping':
    case 'pong':
      return concatBytes(type, encodeVarint(frame.id))
    case 'drain':
      return type
    case 'close':
      return concatBytes(type, encodeVarint(frame.seq), encodeVarint(frame.code))
    case 'abort':
      return concatBytes(type, encodeVarint(frame.code))
  }
}

export interface DataToWrite {
  readonly seq: number
  readonly ack: number
  readonly bytes: Uint8Array
  /** How much of the buffer in front of `bytes` is ours to write to. */
  readonly freeBytesBefore: number
}

/** Writes a DATA frame around its bytes where there is room before them, or else a copy into the buffer that `cut` gives for its length. */
export function writeData(data: DataToWrite, cut: (byteCount: number) => Uint8Array): Uint8Array {
  const { seq, ack, bytes, freeBytesBefore } = data
  const headerBytes = 1 + varintLength(seq) + varintLength(ack)
  const frameBytes = headerBytes + bytes.byteLength
  const isInPlace = headerBytes <= freeBytesBefore
  const target = isInPlace ? new Uint8Array(bytes.buffer, bytes.byteOffset - headerBytes, frameBytes) : cut(frameBytes)
  target[0] = FRAME_TYPES.data
  writeVarint(target, writeVarint(target, 1, seq), ack)
  if (!isInPlace) target.set(bytes, headerBytes)
  return target
}

/** Throws a ProtocolViolation for anything but the one spelling of one frame. The bytes of DATA are a view. */
export function decodeFrame(message: Uint8Array): Frame {
  if (message.byteLength > FRAME_BYTES_MAX) throw malformed(`a frame has at most ${FRAME_BYTES_MAX} bytes`)
  switch (message[0]) {
    case FRAME_TYPES.hello:
      return decodeHello(message)
    case FRAME_TYPES.data: {
      const seq = number(message, 1)
      const ack = number(message, seq.end)
      return { type: 'data', seq: seq.value, ack: ack.value, bytes: message.subarray(ack.end) }
    }
    case FRAME_TYPES.ack:
      return { type: 'ack', ack: lastNumber(message, 1) }
    case FRAME_TYPES.ping:
      return { type: 'ping', id: lastNumber(message, 1) }
    case FRAME_TYPES.pong:
      return { type: 'pong', id: lastNumber(message, 1) }
    case FRAME_TYPES.drain:
      if (message.byteLength > 1) throw malformed('a DRAIN has no fields')
      return { type: 'drain' }
    case FRAME_TYPES.close: {
      const seq = number(message, 1)
      return { type: 'close', seq: seq.value, code: closeCode(lastNumber(message, seq.end)) }
    }
    case FRAME_TYPES.abort:
      return { type: 'abort', code: closeCode(lastNumber(message, 1)) }
    default:
      throw malformed(message.byteLength === 0 ? 'an empty frame' : `a frame of type ${message[0]}`)
  }
}

function decodeHello(message: Uint8Array): Frame {
  if (message.byteLength < HELLO_BYTES_MIN) throw malformed('a HELLO that is too short')
  const tag = message.slice(1, 1 + TAG_BYTES)
  const peerTag = message.slice(1 + TAG_BYTES, 1 + 2 * TAG_BYTES)
  if (isNoTag(tag)) throw malformed('a HELLO without a tag')
  const received = lastNumber(message, 1 + 2 * TAG_BYTES)
  return { type: 'hello', tag, peerTag: isNoTag(peerTag) ? undefined : peerTag, received }
}

function isNoTag(tag: Uint8Array): boolean {
  return tag.every((byte) => byte === 0)
}

function number(message: Uint8Array, offset: number): { value: number; end: number } {
  const read = readVarint(message, offset)
  if (read === undefined || read === 'invalid') throw malformed('a number that is cut off, too large or longer than needed')
  return read
}

function lastNumber(message: Uint8Array, offset: number): number {
  const { value, end } = number(message, offset)
  if (end < message.byteLength) throw malformed('bytes behind the last field')
  return value
}

function closeCode(code: number): number {
  if (code > CLOSE_CODE_MAX) throw malformed(`a close code over ${CLOSE_CODE_MAX}`)
  return code
}

function malformed(what: string): ProtocolViolation {
  return new ProtocolViolation(CLOSE_CODES.frameMalformed, what)
}
