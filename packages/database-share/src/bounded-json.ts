import { decodeUtf8, utf8 } from '@resilient-swarm/contract'
import { JSON_DEPTH_MAX } from './limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** A bracket and a brace differ from each other by this bit, and opening ones by two from closing ones. */
const BRACE_BIT = 0x20
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d

export function encodeJson(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value))
}

/** What the bytes say, or undefined: no strict UTF-8, no JSON, or nested so deep that its readers would recurse too far. */
export function parseJson(bytes: Uint8Array): unknown {
  // Counted first: a parser may spend fifty times the bytes on a million brackets.
  if (depthOf(bytes) > JSON_DEPTH_MAX) return undefined
  const text = decodeUtf8(bytes)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function depthOf(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let isText = false
  for (let index = 0; index < bytes.byteLength; index++) {
    const byte = bytes[index] as number
    if (isText) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if ((byte & ~BRACE_BIT) === OPENING_BRACKET) {
      depth++
      if (depth > deepest) deepest = depth
      if (deepest > JSON_DEPTH_MAX) return deepest
    } else if ((byte & ~BRACE_BIT) === CLOSING_BRACKET) depth--
  }
  return deepest
}

/** Whether every reader makes the same of a value that JSON gave: no number out of range, no field that means a prototype. */
export function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isPlain)
  return !Object.hasOwn(value, '__proto__') && Object.values(value).every(isPlain)
}
