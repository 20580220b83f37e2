import { CHAT_LINE_BYTES_MAX } from './limits.ts'

// The whole protocol of the substream type `chat`: lines of UTF-8, each ended by a newline (0x0a).
const NEWLINE = 0x0a
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** One line as it travels. A RangeError for text with a newline in it or over the limit. */
export function encodeLine(text: string): Uint8Array {
  const bytes = encoder.encode(`${text}\n`)
  if (bytes.indexOf(NEWLINE) !== bytes.byteLength - 1) throw new RangeError('text must be one line')
  if (bytes.byteLength - 1 > CHAT_LINE_BYTES_MAX) throw new RangeError(`text must be at most ${CHAT_LINE_BYTES_MAX} bytes`)
  return bytes
}

/** Puts lines together from bytes as they come, however they were cut. */
export interface LineDecoder {
  /** The lines that these bytes complete. `'invalid'`: a line is over the limit or not UTF-8, and nothing after it counts. */
  push(bytes: Uint8Array): readonly string[] | 'invalid'
}

export function createLineDecoder(): LineDecoder {
  const begun = new Uint8Array(CHAT_LINE_BYTES_MAX)
  let begunBytes = 0
  let isBroken = false

  function keep(part: Uint8Array): boolean {
    if (begunBytes + part.byteLength > CHAT_LINE_BYTES_MAX) return false
    begun.set(part, begunBytes)
    begunBytes += part.byteLength
    return true
  }

  function decode(bytes: Uint8Array): readonly string[] | undefined {
    const lines: string[] = []
    for (let start = 0; start < bytes.byteLength; ) {
      const newline = bytes.indexOf(NEWLINE, start)
      const end = newline === -1 ? bytes.byteLength : newline
      if (!keep(bytes.subarray(start, end))) return undefined
      if (newline === -1) break
      const line = decodeStrictly(begun.subarray(0, begunBytes))
      if (line === undefined) return undefined
      lines.push(line)
      begunBytes = 0
      start = end + 1
    }
    return lines
  }

  return {
    push(bytes) {
      const lines = isBroken ? undefined : decode(bytes)
      isBroken = lines === undefined
      return lines ?? 'invalid'
    },
  }
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
