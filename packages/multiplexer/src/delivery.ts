import { ReceiveQueue } from './receive-queue.ts'

type OnBytes = (bytes: Uint8Array) => void

/** What a substream received, in order, to whoever listens, whenever that is: bytes first, then the end of them, once. */
export class Delivery {
  /** Handed to the listener and not yet consumed by it. */
  unconsumedBytes = 0
  readonly #onThrow: (error: unknown) => void
  #onBytes: OnBytes | undefined
  #onEnd: (() => void) | undefined
  readonly #waiting = new ReceiveQueue()
  #delivering = false
  #ended = false
  #endTold = false

  /** `onThrow` is told what a listener threw; deliveries go on. */
  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
  }

  get onBytes(): OnBytes {
    return this.#onBytes ?? ignore
  }

  set onBytes(onBytes: OnBytes) {
    this.#onBytes = onBytes
    this.#flush()
  }

  get onEnd(): () => void {
    return this.#onEnd ?? ignore
  }

  set onEnd(onEnd: () => void) {
    this.#onEnd = onEnd
    this.#flush()
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  push(bytes: Uint8Array): void {
    if (this.#onBytes && !this.#delivering && this.#waiting.isEmpty) {
      this.#hand(this.#onBytes, bytes)
    } else {
      this.#waiting.push(bytes)
    }
  }

  end(): void {
    this.#ended = true
    this.#flush()
  }

  /** Nothing more is delivered, not even the end. */
  drop(): void {
    this.#waiting.clear()
    this.#endTold = true
  }

  #flush(): void {
    if (this.#delivering) return
    this.#delivering = true
    while (this.#onBytes) {
      const bytes = this.#waiting.take()
      if (!bytes) break
      this.#hand(this.#onBytes, bytes)
    }
    this.#delivering = false
    if (this.#ended && !this.#endTold && this.#onEnd && this.#waiting.isEmpty) {
      this.#endTold = true
      try {
        this.#onEnd()
      } catch (error) {
        this.#onThrow(error)
      }
    }
  }

  #hand(onBytes: OnBytes, bytes: Uint8Array): void {
    this.unconsumedBytes += bytes.byteLength
    try {
      onBytes(bytes)
    } catch (error) {
      this.#onThrow(error)
    }
  }
}

function ignore(): void {}
