import { decodeBase64Url, type PeerId, type Rate } from '@resilient-swarm/contract'
import { isPeerId, PEER_ID_LENGTH } from '@resilient-swarm/identity'
import { LOOKUP_KEYS_MAX, NONCE_BYTES, SIGNAL_FRAME_BYTES_MAX, SIGNAL_ID_BYTES } from './limits.ts'
import { parseOrigin } from './origin.ts'

/** What a server announces: what it takes from one client. */
export interface AnnouncedLimits {
  readonly boxBytes: number
  readonly sends: Rate
  readonly lookups: Rate
}

/** Why a frame of the client was not done. */
export type FailureCode = 'offline' | 'rate' | 'size'

/**
 * What a client says. Binary values travel as base64url, ids as 32 hex digits. Only the key of a login is checked to be one;
 * the others are looked up among those: what is no key is not there, and checking a key takes 0.2 ms.
 */
export type ClientFrame =
  | {
      readonly type: 'register'
      readonly key: PeerId
      readonly origin: string
      readonly time: number
      readonly signature: string
    }
  | { readonly type: 'lookup'; readonly id: string; readonly keys: readonly string[] }
  | { readonly type: 'send'; readonly to: string; readonly id: string; readonly box: string }

/** What a server says. */
export type ServerFrame =
  | { readonly type: 'challenge'; readonly nonce: string; readonly time: number }
  | { readonly type: 'registered'; readonly limits: AnnouncedLimits }
  | { readonly type: 'online'; readonly id: string; readonly keys: readonly string[] }
  | { readonly type: 'sent'; readonly id: string }
  | { readonly type: 'failed'; readonly id: string; readonly code: FailureCode }
  | { readonly type: 'signal'; readonly id: string; readonly box: string }

type Check<T> = (value: unknown) => value is T
type Shape<Frame> = { readonly [Field in Exclude<keyof Frame, 'type'>]: Check<Frame[Field]> }
type Shapes<Frames extends { type: string }> = { readonly [Type in Frames['type']]: Shape<Extract<Frames, { type: Type }>> }

const SIGNATURE_BYTES = 64 // RFC 8032 §5.1.6
const ANNOUNCED_MAX = 1_000_000 // no limit of any server is larger; keeps arithmetic with them exact

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isAnnounced = (value: unknown): value is number => isCount(value) && value > 0 && value <= ANNOUNCED_MAX
/** One text for one value: right letters, a possible length, no bits set behind the last byte. */
const isBase64Url = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^[A-Za-z0-9_-]*$/.test(value) &&
  decodeBase64Url(value.slice(value.length - (value.length % 4))) !== undefined
const isBytes = (value: unknown, byteCount: number): value is string => isBase64Url(value) && exactBytes(value, byteCount)
const exactBytes = (text: string, byteCount: number): boolean => text.length === Math.ceil((byteCount * 4) / 3)
const isNonce = (value: unknown): value is string => isBytes(value, NONCE_BYTES)
const isSignature = (value: unknown): value is string => isBytes(value, SIGNATURE_BYTES)
const isOrigin = (value: unknown): value is string => value !== undefined && parseOrigin(value) === value
const isFailureCode = (value: unknown): value is FailureCode => value === 'offline' || value === 'rate' || value === 'size'
const isBoxText = (value: unknown): value is string => isBase64Url(value) && value.length > 0
const isKeyText = (value: unknown): value is string =>
  typeof value === 'string' && value.length === PEER_ID_LENGTH && /^rs1[a-z2-7]*$/.test(value)
const isKeys = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= LOOKUP_KEYS_MAX && value.every(isKeyText)

/** 16 random bytes as lower-case hex. */
export function isSignalId(value: unknown): value is string {
  return typeof value === 'string' && value.length === SIGNAL_ID_BYTES * 2 && /^[0-9a-f]*$/.test(value)
}

/** An object with these fields and no others. */
export function hasExactly(value: unknown, fields: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.keys(value).length === fields.length && fields.every((field) => Object.hasOwn(value, field))
}

const isRate = (value: unknown): value is Rate =>
  hasExactly(value, ['perSecond', 'burst']) && isAnnounced(value.perSecond) && isAnnounced(value.burst)

const isLimits = (value: unknown): value is AnnouncedLimits =>
  hasExactly(value, ['boxBytes', 'sends', 'lookups']) &&
  isAnnounced(value.boxBytes) &&
  isRate(value.sends) &&
  isRate(value.lookups)

const CLIENT_SHAPES: Shapes<ClientFrame> = {
  register: { key: isPeerId, origin: isOrigin, time: isCount, signature: isSignature },
  lookup: { id: isSignalId, keys: isKeys },
  send: { to: isKeyText, id: isSignalId, box: isBoxText },
}

const SERVER_SHAPES: Shapes<ServerFrame> = {
  challenge: { nonce: isNonce, time: isCount },
  registered: { limits: isLimits },
  online: { id: isSignalId, keys: isKeys },
  sent: { id: isSignalId },
  failed: { id: isSignalId, code: isFailureCode },
  signal: { id: isSignalId, box: isBoxText },
}

// By Map, because the name comes from outside: an object would also find `constructor`.
const clientShapes = new Map<string, Record<string, Check<unknown>>>(Object.entries(CLIENT_SHAPES))
const serverShapes = new Map<string, Record<string, Check<unknown>>>(Object.entries(SERVER_SHAPES))

/** A client's frame, or undefined for anything else: other fields, more fields, other values, no JSON, too long. */
export function parseClientFrame(text: string): ClientFrame | undefined {
  return parseFrame<ClientFrame>(text, clientShapes)
}

/** A server's frame, or undefined for anything else. */
export function parseServerFrame(text: string): ServerFrame | undefined {
  return parseFrame<ServerFrame>(text, serverShapes)
}

/** The text of a frame; a RangeError over the limit. */
export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  const text = JSON.stringify(frame)
  if (text.length > SIGNAL_FRAME_BYTES_MAX) throw new RangeError(`a frame has at most ${SIGNAL_FRAME_BYTES_MAX} bytes`)
  return text
}

/** How many bytes a box's text stands for. */
export function boxBytes(box: string): number {
  return Math.floor((box.length * 3) / 4)
}

function parseFrame<Frame>(text: string, shapes: ReadonlyMap<string, Record<string, Check<unknown>>>): Frame | undefined {
  // In characters, because no field can hold one that takes more than a byte.
  if (text.length > SIGNAL_FRAME_BYTES_MAX) return undefined
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null) return undefined
  const type = Object.hasOwn(value, 'type') ? (value as { type: unknown }).type : undefined
  const shape = typeof type === 'string' ? shapes.get(type) : undefined
  if (!shape) return undefined
  const fields = Object.keys(shape)
  if (!hasExactly(value, ['type', ...fields])) return undefined
  return fields.every((field) => shape[field]?.(value[field])) ? (value as Frame) : undefined
}

/** JSON, or undefined for a text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
