import { JOIN_BLOCK_BYTES_MAX, JOIN_BLOCK_BYTES_MIN, JOIN_BYTES } from './limits.ts'

/**
 * Received bytes that nobody has taken yet. Long chunks are kept as they came; short ones are copied into blocks, for a
 * view of one byte costs a hundred times its size and keeps the whole message alive that it came in. So what waits holds
 * little more memory than its bytes, however they were cut.
 */
export class ReceiveQueue {
  #chunks: Uint8Array[] = []
  #first = 0
  /** The last of `#chunks`, when it is a block that has room behind its `#filledBytes`. */
  #block: Uint8Array | undefined
  #filledBytes = 0

  get isEmpty(): boolean {
    return this.#first === this.#chunks.length
  }

  push(bytes: Uint8Array): void {
    if (bytes.byteLength >= JOIN_BYTES) {
      this.#seal()
      this.#chunks.push(bytes)
      return
    }
    let block = this.#block
    if (!block || block.byteLength - this.#filledBytes < bytes.byteLength) {
      const wanted = block ? block.byteLength * 2 : JOIN_BLOCK_BYTES_MIN
      this.#seal()
      block = new Uint8Array(Math.max(bytes.byteLength, Math.min(wanted, JOIN_BLOCK_BYTES_MAX)))
      this.#block = block
      this.#chunks.push(block)
    }
    block.set(bytes, this.#filledBytes)
    this.#filledBytes += bytes.byteLength
  }

  take(): Uint8Array | undefined {
    if (this.isEmpty) return undefined
    if (this.#first === this.#chunks.length - 1) this.#seal()
    const chunk = this.#chunks[this.#first] as Uint8Array
    this.#first++
    if (this.isEmpty || this.#first >= 64) {
      this.#chunks = this.#chunks.slice(this.#first)
      this.#first = 0
    }
    return chunk
  }

  clear(): void {
    this.#chunks = []
    this.#first = 0
    this.#block = undefined
    this.#filledBytes = 0
  }

  /** The block is as long as it will be. */
  #seal(): void {
    if (this.#block) this.#chunks[this.#chunks.length - 1] = this.#block.subarray(0, this.#filledBytes)
    this.#block = undefined
    this.#filledBytes = 0
  }
}
