type Receive = (message: Uint8Array) => void

/**
 * Holds messages until somebody listens: what a Channel maker puts behind its `onMessage` property.
 * Deliveries stay in order even when the listener is assigned, or replaced, from inside a delivery.
 */
export class MessageSlot {
  #receive: Receive | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #flushing = false
  readonly #waitingBytesMax: number

  constructor({ waitingBytesMax }: { waitingBytesMax: number }) {
    this.#waitingBytesMax = waitingBytesMax
  }

  get receive(): Receive {
    return this.#receive ?? ignore
  }

  set receive(receive: Receive) {
    this.#receive = receive
    this.#flush()
  }

  /** Delivers, or keeps until there is a listener. False: over the bound, the message was not kept. */
  push(message: Uint8Array): boolean {
    if (this.#receive && !this.#flushing) {
      this.#receive(message)
      return true
    }
    if (this.#waitingBytes + message.byteLength > this.#waitingBytesMax) return false
    this.#waiting.push(message)
    this.#waitingBytes += message.byteLength
    return true
  }

  /** Forgets what waits; for a channel that was aborted. */
  clear(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #flush(): void {
    if (this.#flushing) return
    this.#flushing = true
    try {
      while (this.#waiting.length > 0) {
        const message = this.#waiting.shift() as Uint8Array
        this.#waitingBytes -= message.byteLength
        this.#receive?.(message)
      }
    } finally {
      this.#flushing = false
    }
  }
}

function ignore(): void {}
