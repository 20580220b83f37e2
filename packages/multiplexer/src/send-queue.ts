const SPENT_CHUNKS_MAX = 64 // spent slots before the array is cut: one move of the rest for 64 chunks

/** Bytes that wait for a turn, as the chunks they were written in; copied once, straight into a channel message. */
export class SendQueue {
  bytes = 0
  #chunks: Uint8Array[] = []
  #first = 0
  #offset = 0

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.bytes += chunk.byteLength
  }

  /** Moves the first `count` bytes (no more than there are) to `target`, and returns the offset behind them. */
  moveTo(target: Uint8Array, position: number, count: number): number {
    let at = position
    let rest = count
    while (rest > 0) {
      const chunk = this.#chunks[this.#first] as Uint8Array
      const take = Math.min(rest, chunk.byteLength - this.#offset)
      target.set(take === chunk.byteLength ? chunk : chunk.subarray(this.#offset, this.#offset + take), at)
      at += take
      rest -= take
      this.#offset += take
      if (this.#offset === chunk.byteLength) this.#drop()
    }
    this.bytes -= count
    return at
  }

  /** Copies what is left of the newest chunk, so that whoever wrote it may use its buffer again. */
  ownLast(): void {
    const last = this.#chunks.length - 1
    if (last < this.#first) return
    const chunk = this.#chunks[last] as Uint8Array
    // Not `chunk.slice`: on a Node Buffer that is a view.
    if (last === this.#first && this.#offset > 0) {
      this.#chunks[last] = new Uint8Array(chunk.subarray(this.#offset))
      this.#offset = 0
    } else {
      this.#chunks[last] = new Uint8Array(chunk)
    }
  }

  clear(): void {
    this.#chunks = []
    this.#first = 0
    this.#offset = 0
    this.bytes = 0
  }

  #drop(): void {
    this.#offset = 0
    this.#chunks[this.#first++] = EMPTY
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0
      this.#first = 0
    } else if (this.#first >= SPENT_CHUNKS_MAX) {
      this.#chunks.splice(0, this.#first)
      this.#first = 0
    }
  }
}

const EMPTY = new Uint8Array(0)
