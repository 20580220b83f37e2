import { FORWARD_BYTES_MAX, JOIN_BYTES } from './limits.ts'

/**
 * Bytes that wait, in order. Short chunks are copied into blocks, for a view of one byte keeps the whole message alive that
 * it came in; so what waits holds little more memory than its bytes. Its length is bounded by the credit of who fills it.
 */
export class ChunkQueue {
  bytes = 0
  #chunks: Uint8Array[] = []
  /** How much of the last of `#chunks` is filled, when that is a block with room. */
  #filledBytes: number | undefined

  get isEmpty(): boolean {
    return this.bytes === 0
  }

  push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.bytes += bytes.byteLength
    if (bytes.byteLength >= JOIN_BYTES) {
      this.#seal()
      this.#chunks.push(bytes)
      return
    }
    let block = this.#filledBytes === undefined ? undefined : (this.#chunks.at(-1) as Uint8Array)
    let filled = this.#filledBytes ?? 0
    if (!block || block.byteLength - filled < bytes.byteLength) {
      this.#seal()
      block = new Uint8Array(FORWARD_BYTES_MAX)
      filled = 0
      this.#chunks.push(block)
    }
    block.set(bytes, filled)
    this.#filledBytes = filled + bytes.byteLength
  }

  /** The next bytes, at most `FORWARD_BYTES_MAX`; undefined when there are none. */
  take(): Uint8Array | undefined {
    if (this.#chunks.length === 1) this.#seal()
    const chunk = this.#chunks[0]
    if (!chunk) return undefined
    if (chunk.byteLength > FORWARD_BYTES_MAX) this.#chunks[0] = chunk.subarray(FORWARD_BYTES_MAX)
    else this.#chunks.shift()
    const taken = chunk.subarray(0, FORWARD_BYTES_MAX)
    this.bytes -= taken.byteLength
    return taken
  }

  /** Puts back what was taken and not used, in front of everything. */
  putBack(bytes: Uint8Array): void {
    this.bytes += bytes.byteLength
    this.#chunks.unshift(bytes.byteLength < JOIN_BYTES ? bytes.slice() : bytes)
  }

  clear(): void {
    this.#chunks = []
    this.#filledBytes = undefined
    this.bytes = 0
  }

  /** The block is as long as it will be; one that is mostly empty is copied out. */
  #seal(): void {
    if (this.#filledBytes === undefined) return
    const block = this.#chunks.at(-1) as Uint8Array
    const filled = this.#filledBytes
    this.#chunks[this.#chunks.length - 1] = filled * 2 < block.byteLength ? block.slice(0, filled) : block.subarray(0, filled)
    this.#filledBytes = undefined
  }
}
