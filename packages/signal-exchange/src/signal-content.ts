import type { AttemptSignal, IceCandidate } from '@resilient-swarm/contract'
import { decodeUtf8, utf8 } from '@resilient-swarm/contract'
import {
  CANDIDATE_CHARS_MAX,
  CANDIDATES_MAX,
  CONTENT_SIZES_BYTES,
  REFUSE_CODE_MAX,
  SDP_CHARS_MAX,
  SDP_MID_CHARS_MAX,
  SDP_SECTIONS_MAX,
} from './limits.ts'
import { hasExactly, isSignalId, parseJson } from './messages.ts'

/** What is inside a box: one signal of one attempt, and until when it counts (ms since 1970). */
export interface SealedSignal {
  /** 16 random bytes as hex, chosen by who dials. */
  readonly attempt: string
  readonly expiresMs: number
  readonly signal: AttemptSignal
}

const LENGTH_BYTES = 2 // big endian, in front of the JSON; what follows the JSON is zeros

/** The padded bytes of a content; undefined when it is larger than the largest size. */
export function encodeContent({ attempt, expiresMs, signal }: SealedSignal): Uint8Array | undefined {
  const json = utf8(JSON.stringify({ attempt, expires: expiresMs, ...ordered(signal) }))
  const size = CONTENT_SIZES_BYTES.find((bytes) => bytes >= LENGTH_BYTES + json.byteLength)
  if (size === undefined) return undefined
  const content = new Uint8Array(size)
  new DataView(content.buffer).setUint16(0, json.byteLength)
  content.set(json, LENGTH_BYTES)
  return content
}

/** The content of padded bytes; undefined for anything but what `encodeContent` makes: one spelling of length and padding. */
export function decodeContent(content: Uint8Array): SealedSignal | undefined {
  if (!CONTENT_SIZES_BYTES.some((bytes) => bytes === content.byteLength)) return undefined
  const length = new DataView(content.buffer, content.byteOffset, content.byteLength).getUint16(0)
  const end = LENGTH_BYTES + length
  if (CONTENT_SIZES_BYTES.find((bytes) => bytes >= end) !== content.byteLength) return undefined
  if (content.subarray(end).some((byte) => byte !== 0)) return undefined
  const text = decodeUtf8(content.subarray(LENGTH_BYTES, end))
  return text === undefined ? undefined : parseContent(parseJson(text))
}

/** The checked content of an untrusted object: exactly the fields of its kind, everything within its limit. */
export function parseContent(value: unknown): SealedSignal | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'kind')) return undefined
  const fields = FIELDS.get((value as { kind: unknown }).kind)
  if (!fields || !hasExactly(value, ['attempt', 'expires', 'kind', ...fields])) return undefined
  const { attempt, expires } = value
  if (!isSignalId(attempt) || !Number.isSafeInteger(expires) || (expires as number) < 0) return undefined
  const signal = parseSignal(value)
  return signal && { attempt, expiresMs: expires as number, signal }
}

const FIELDS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['offer', ['sdp', 'candidates']],
  ['answer', ['sdp', 'candidates']],
  ['candidates', ['candidates']],
  ['refuse', ['code']],
])

function parseSignal({ kind, sdp, candidates, code }: Record<string, unknown>): AttemptSignal | undefined {
  switch (kind) {
    case 'offer':
    case 'answer':
      return isSdp(sdp) && isCandidates(candidates) ? { kind, sdp, candidates } : undefined
    case 'candidates':
      return isCandidates(candidates) ? { kind, candidates } : undefined
    case 'refuse':
      return isCountUpTo(code, REFUSE_CODE_MAX) ? { kind, code } : undefined
    default:
      return undefined
  }
}

const isSdp = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= SDP_CHARS_MAX

const isCountUpTo = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max

const isCandidates = (value: unknown): value is readonly IceCandidate[] =>
  Array.isArray(value) && value.length <= CANDIDATES_MAX && value.every(isCandidate)

function isCandidate(value: unknown): value is IceCandidate {
  if (!hasExactly(value, ['candidate', 'sdpMid', 'sdpMLineIndex'])) return false
  const { candidate, sdpMid, sdpMLineIndex } = value
  return (
    typeof candidate === 'string' &&
    candidate.length <= CANDIDATE_CHARS_MAX &&
    (sdpMid === null || (typeof sdpMid === 'string' && sdpMid.length <= SDP_MID_CHARS_MAX)) &&
    (sdpMLineIndex === null || isCountUpTo(sdpMLineIndex, SDP_SECTIONS_MAX - 1))
  )
}

/** The fields of the kind in the order of the protocol page, and nothing else that the caller's object carries. */
function ordered(signal: AttemptSignal): AttemptSignal {
  const plain = ({ candidate, sdpMid, sdpMLineIndex }: IceCandidate): IceCandidate => ({ candidate, sdpMid, sdpMLineIndex })
  switch (signal.kind) {
    case 'offer':
    case 'answer':
      return { kind: signal.kind, sdp: signal.sdp, candidates: signal.candidates.map(plain) }
    case 'candidates':
      return { kind: signal.kind, candidates: signal.candidates.map(plain) }
    case 'refuse':
      return { kind: signal.kind, code: signal.code }
  }
}
