import { concatBytes, encodeVarint, readVarint, varintLength, writeVarint } from '@resilient-swarm/contract'
import { type PublicKey, parsePublicKey } from '@resilient-swarm/identity'
import { CIRCUIT_ID_BYTES, CONTROL_BYTES_MAX, DURATION_MS_MAX, DURATION_MS_MIN, MESSAGE_BYTES_MAX } from './limits.ts'
import type { CircuitLimits } from './options.ts'

/** The first byte of a frame; `type ‖ varint(length) ‖ payload`, one registry for both legs. */
export const FRAME_TYPES = Object.freeze({
  /** Who dials → relay: key of the target, circuit id. */
  connect: 1,
  /** Relay → target: key of who dials, circuit id, limits. */
  incoming: 2,
  /** Target → relay, empty; relay → who dials, limits. */
  accept: 3,
  /** Target → relay, relay → who dials: a refusal code. */
  refuse: 4,
  /** End → end: one message of the circuit's channel. */
  message: 5,
  /** Relay → both: milliseconds that the circuit still goes on. */
  drain: 6,
  /** End → relay: asks for the whole time again. */
  renew: 7,
  /** Relay → both: the whole time that begins now. */
  renewed: 8,
  /** End → end: I send nothing more, ordinarily; a code of the layer above. */
  close: 9,
  /** Relay → end: the circuit is over; a code of this protocol. */
  end: 10,
})

/** Any frame but MESSAGE, decoded and checked. */
export type ControlFrame =
  | { readonly type: 'connect'; readonly to: PublicKey; readonly circuitId: Uint8Array }
  | { readonly type: 'incoming'; readonly from: PublicKey; readonly circuitId: Uint8Array; readonly limits: CircuitLimits }
  | { readonly type: 'accept'; readonly limits: CircuitLimits | undefined }
  | { readonly type: 'refuse'; readonly code: number }
  | { readonly type: 'drain'; readonly leftMs: number }
  | { readonly type: 'renew' }
  | { readonly type: 'renewed'; readonly durationMs: number }
  | { readonly type: 'close'; readonly code: number }
  | { readonly type: 'end'; readonly code: number }

const KEY_BYTES = 32
const CODE_MAX = 0xffff

/** The longest header: a type, and a length of three bytes. */
export const HEADER_BYTES_MAX = 4

/** The longest payload that a frame of this type may have; undefined for a type that is none. */
export function payloadBytesMax(type: number): number | undefined {
  if (type === FRAME_TYPES.message) return MESSAGE_BYTES_MAX
  return type >= FRAME_TYPES.connect && type <= FRAME_TYPES.end ? CONTROL_BYTES_MAX : undefined
}

/** What goes in front of a message. */
export function encodeMessageHeader(byteCount: number): Uint8Array {
  const header = new Uint8Array(1 + varintLength(byteCount))
  header[0] = FRAME_TYPES.message
  writeVarint(header, 1, byteCount)
  return header
}

export function encodeControl(frame: ControlFrame): Uint8Array {
  const payload = encodePayload(frame)
  return concatBytes(Uint8Array.of(FRAME_TYPES[frame.type]), encodeVarint(payload.byteLength), payload)
}

function encodePayload(frame: ControlFrame): Uint8Array {
  switch (frame.type) {
    case 'connect':
      return concatBytes(frame.to, frame.circuitId)
    case 'incoming':
      return concatBytes(frame.from, frame.circuitId, encodeLimits(frame.limits))
    case 'accept':
      return frame.limits ? encodeLimits(frame.limits) : new Uint8Array(0)
    case 'refuse':
    case 'close':
    case 'end':
      return encodeVarint(frame.code)
    case 'drain':
      return encodeVarint(Math.max(0, Math.round(frame.leftMs)))
    case 'renewed':
      return encodeVarint(frame.durationMs)
    case 'renew':
      return new Uint8Array(0)
  }
}

/** 0 bytes a second stand for no limit. */
function encodeLimits({ bytesPerSecond, burstBytes, durationMs }: CircuitLimits): Uint8Array {
  const rate = Number.isFinite(bytesPerSecond) ? bytesPerSecond : 0
  return concatBytes(encodeVarint(rate), encodeVarint(burstBytes), encodeVarint(durationMs))
}

/** Undefined unless `payload` is exactly what a frame of this type holds. Copies what it keeps; remote times are clamped. */
export function decodeControl(type: number, payload: Uint8Array): ControlFrame | undefined {
  switch (type) {
    case FRAME_TYPES.connect: {
      const to = decodeKey(payload)
      if (!to || payload.byteLength !== KEY_BYTES + CIRCUIT_ID_BYTES) return undefined
      return { type: 'connect', to, circuitId: payload.slice(KEY_BYTES) }
    }
    case FRAME_TYPES.incoming: {
      const from = decodeKey(payload)
      const limits = decodeLimits(payload.subarray(KEY_BYTES + CIRCUIT_ID_BYTES))
      if (!from || !limits) return undefined
      return { type: 'incoming', from, circuitId: payload.slice(KEY_BYTES, KEY_BYTES + CIRCUIT_ID_BYTES), limits }
    }
    case FRAME_TYPES.accept: {
      const limits = decodeLimits(payload)
      return limits || payload.byteLength === 0 ? { type: 'accept', limits } : undefined
    }
    case FRAME_TYPES.refuse:
      return withNumber(payload, CODE_MAX, (code) => ({ type: 'refuse', code }))
    case FRAME_TYPES.close:
      return withNumber(payload, CODE_MAX, (code) => ({ type: 'close', code }))
    case FRAME_TYPES.end:
      return withNumber(payload, CODE_MAX, (code) => ({ type: 'end', code }))
    case FRAME_TYPES.drain:
      return withNumber(payload, Number.MAX_SAFE_INTEGER, (leftMs) => ({
        type: 'drain',
        leftMs: Math.min(leftMs, DURATION_MS_MAX),
      }))
    case FRAME_TYPES.renewed:
      return withNumber(payload, Number.MAX_SAFE_INTEGER, (ms) => ({ type: 'renewed', durationMs: clampDuration(ms) }))
    case FRAME_TYPES.renew:
      return payload.byteLength === 0 ? { type: 'renew' } : undefined
    default:
      return undefined
  }
}

function decodeKey(payload: Uint8Array): PublicKey | undefined {
  try {
    return parsePublicKey(payload.subarray(0, KEY_BYTES))
  } catch {
    return undefined
  }
}

function withNumber(payload: Uint8Array, max: number, mint: (value: number) => ControlFrame): ControlFrame | undefined {
  const read = readVarint(payload, 0)
  if (read === undefined || read === 'invalid' || read.end !== payload.byteLength || read.value > max) return undefined
  return mint(read.value)
}

function decodeLimits(payload: Uint8Array): CircuitLimits | undefined {
  const values: number[] = []
  let offset = 0
  while (values.length < 3) {
    const read = readVarint(payload, offset)
    if (read === undefined || read === 'invalid') return undefined
    values.push(read.value)
    offset = read.end
  }
  if (offset !== payload.byteLength) return undefined
  const [rate, burstBytes, durationMs] = values as [number, number, number]
  return { bytesPerSecond: rate === 0 ? Number.POSITIVE_INFINITY : rate, burstBytes, durationMs: clampDuration(durationMs) }
}

function clampDuration(ms: number): number {
  return Math.min(Math.max(ms, DURATION_MS_MIN), DURATION_MS_MAX)
}
