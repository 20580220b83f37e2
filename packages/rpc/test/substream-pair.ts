import type { RawSubstream, Substream, SubstreamEnd } from '@resilient-swarm/contract'

export interface SubstreamPairOptions {
  /** Unconsumed bytes from which `write` says false. */
  readonly creditBytes?: number
  /** Cuts what is written into pieces of at most this many bytes. */
  readonly pieceBytes?: number
}

/** One end, with what a test wants to know of it. */
export interface TestSubstream extends Substream {
  readonly unconsumedBytes: number
  /** The code of our own reset. */
  readonly resetCode: number | undefined
}

/** Two ends of a substream in memory. Bytes arrive in a later micro-task, copied; credit is given back by `consume` only. */
export function createSubstreamPair(options: SubstreamPairOptions = {}): readonly [alice: TestSubstream, bob: TestSubstream] {
  const alice = new MemorySubstream(options)
  const bob = new MemorySubstream(options)
  alice.other = bob
  bob.other = alice
  return [alice, bob]
}

class MemorySubstream implements TestSubstream, RawSubstream {
  readonly type = 'dnode'
  readonly readable = new ReadableStream<Uint8Array>()
  readonly writable = new WritableStream<Uint8Array>()
  readonly closed: Promise<SubstreamEnd>
  onDrain: () => void = () => {}
  unconsumedBytes = 0
  resetCode: number | undefined
  other!: MemorySubstream
  readonly #creditBytes: number
  readonly #pieceBytes: number
  #receive: ((bytes: Uint8Array) => void) | undefined
  #receiveEnd: (() => void) | undefined
  #early: Uint8Array[] = []
  #isFull = false
  #hasEnded = false
  #otherHasEnded = false
  #isOver = false
  #resolveClosed!: (end: SubstreamEnd) => void

  constructor({ creditBytes = 256 * 1024, pieceBytes = Number.POSITIVE_INFINITY }: SubstreamPairOptions) {
    this.#creditBytes = creditBytes
    this.#pieceBytes = pieceBytes
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  raw(): RawSubstream {
    return this
  }

  get onBytes(): (bytes: Uint8Array) => void {
    return this.#receive ?? (() => {})
  }

  set onBytes(receive: (bytes: Uint8Array) => void) {
    this.#receive = receive
    for (const bytes of this.#early.splice(0)) receive(bytes)
  }

  get onEnd(): () => void {
    return this.#receiveEnd ?? (() => {})
  }

  set onEnd(receive: () => void) {
    this.#receiveEnd = receive
    if (this.#otherHasEnded) queueMicrotask(receive)
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOver || this.#hasEnded) return false
    this.other.unconsumedBytes += bytes.byteLength
    for (let start = 0; start < bytes.byteLength; start += this.#pieceBytes) {
      const piece = bytes.slice(start, Math.min(bytes.byteLength, start + this.#pieceBytes))
      queueMicrotask(() => this.other.#deliver(piece))
    }
    this.#isFull = this.other.unconsumedBytes >= this.#creditBytes
    return !this.#isFull
  }

  consume(byteCount: number): void {
    this.unconsumedBytes -= byteCount
    this.other.#mayDrain()
  }

  end(): void {
    if (this.#isOver || this.#hasEnded) return
    this.#hasEnded = true
    queueMicrotask(() => {
      this.other.#otherHasEnded = true
      if (!this.other.#isOver) this.other.#receiveEnd?.()
      this.#mayFinish()
      this.other.#mayFinish()
    })
  }

  reset(code = 0): void {
    if (this.#isOver) return
    this.resetCode = code
    this.#finish({ kind: 'reset', by: 'us', code })
    queueMicrotask(() => this.other.#finish({ kind: 'reset', by: 'peer', code: 0 }))
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#isOver) return
    if (this.#receive) this.#receive(bytes)
    else this.#early.push(bytes)
  }

  #mayDrain(): void {
    if (!this.#isFull || this.other.unconsumedBytes >= this.#creditBytes) return
    this.#isFull = false
    queueMicrotask(() => {
      if (!this.#isOver) this.onDrain()
    })
  }

  #mayFinish(): void {
    if (this.#hasEnded && this.#otherHasEnded) this.#finish({ kind: 'finished' })
  }

  #finish(end: SubstreamEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#resolveClosed(end)
  }
}
