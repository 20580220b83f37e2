import { concatBytes, decodeUtf8, type RawSubstream, utf8 } from '@resilient-swarm/contract'
import { CLOSE_CODES, type Violation } from './close-codes.ts'

const NEWLINE = 0x0a

/** Cuts bytes into lines of strict UTF-8; holds at most one unfinished line. */
export class LineSplitter {
  readonly #lineBytesMax: number
  #parts: Uint8Array[] = []
  #partBytes = 0

  constructor({ lineBytesMax }: { lineBytesMax: number }) {
    this.#lineBytesMax = lineBytesMax
  }

  /** Whether bytes of an unfinished line are held. */
  get isInsideLine(): boolean {
    return this.#partBytes > 0
  }

  /** Calls `onLine` for each line that is complete, until it returns something. */
  push(bytes: Uint8Array, onLine: (line: string) => Violation | undefined): Violation | undefined {
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end === 0) return this.#keep(bytes)
    let whole = end === bytes.byteLength ? bytes : bytes.subarray(0, end)
    if (this.#partBytes > 0) {
      whole = concatBytes(...this.#parts, whole)
      this.#parts = []
      this.#partBytes = 0
    }
    const text = decodeUtf8(whole)
    if (text === undefined) return CLOSE_CODES.notUtf8
    const violation = this.#emit(text, text.length === whole.byteLength, onLine)
    if (violation !== undefined || end === bytes.byteLength) return violation
    return this.#keep(bytes.subarray(end))
  }

  #emit(text: string, isAscii: boolean, onLine: (line: string) => Violation | undefined): Violation | undefined {
    for (let start = 0, end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) {
      const line = text.slice(start, end)
      if (this.#isTooLong(line, isAscii)) return CLOSE_CODES.lineTooLong
      const violation = onLine(line)
      if (violation !== undefined) return violation
    }
    return undefined
  }

  #isTooLong(line: string, isAscii: boolean): boolean {
    if (isAscii || line.length > this.#lineBytesMax) return line.length > this.#lineBytesMax
    // A UTF-16 unit takes three bytes at most, so only long lines need counting.
    return line.length * 3 > this.#lineBytesMax && utf8(line).byteLength > this.#lineBytesMax
  }

  #keep(bytes: Uint8Array): Violation | undefined {
    this.#partBytes += bytes.byteLength
    if (this.#partBytes > this.#lineBytesMax) return CLOSE_CODES.lineTooLong
    this.#parts.push(bytes)
    return undefined
  }
}

// Node wraps each queueMicrotask callback in an async resource; a settled promise's is bare, and several times cheaper.
const RESOLVED = Promise.resolve()

/** Lines of one tick leave in one write; more than this leaves at once. */
const CHUNK_CHARS = 32 * 1024

/** Writes ASCII lines, those of one micro-task together, and waits when the substream says so. */
export class LineWriter {
  onWritable: () => void = () => {}
  readonly #raw: RawSubstream
  #chunks: string[] = []
  #last = ''
  #waitingBytes = 0
  #isScheduled = false
  #isBlocked = false
  #isEnded = false

  constructor(raw: RawSubstream) {
    this.#raw = raw
    raw.onDrain = () => {
      this.#isBlocked = false
      this.#flush()
      if (!this.#isBlocked) this.onWritable()
    }
  }

  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Bytes that the substream has not taken yet. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** `line` is ASCII and has no newline. */
  write(line: string): void {
    if (this.#isEnded) return
    this.#last += `${line}\n`
    this.#waitingBytes += line.length + 1
    if (this.#last.length >= CHUNK_CHARS) {
      this.#chunks.push(this.#last)
      this.#last = ''
      if (!this.#isBlocked) this.#flush()
    } else if (!this.#isScheduled && !this.#isBlocked) {
      this.#isScheduled = true
      void RESOLVED.then(this.#turn)
    }
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    this.#flush()
  }

  /** Hands over everything, blocked or not, then finishes the substream's writing side. */
  end(): void {
    if (this.#isEnded) return
    this.#flush({ evenBlocked: true })
    this.#isEnded = true
    this.#raw.end()
  }

  /** Forgets what waits and writes no more. */
  abort(): void {
    this.#isEnded = true
    this.#chunks = []
    this.#last = ''
    this.#waitingBytes = 0
  }

  #flush({ evenBlocked = false } = {}): void {
    while (!this.#isBlocked || evenBlocked) {
      const text = this.#next()
      if (text === undefined) return
      this.#waitingBytes -= text.length
      this.#isBlocked = !this.#raw.write(utf8(text))
    }
  }

  #next(): string | undefined {
    if (this.#chunks.length > 0) return this.#chunks.shift()
    if (this.#last === '') return undefined
    const text = this.#last
    this.#last = ''
    return text
  }
}
