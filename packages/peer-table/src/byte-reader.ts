import { decodeUtf8, readVarint } from '@resilient-swarm/contract'

/** Thrown by a reader at bytes that cannot be; caught by the parser that began to read, so no peer makes us build an Error. */
export const MALFORMED = Symbol('malformed bytes')

/** Reads what a peer wrote, from the front. Every method throws MALFORMED where the bytes do not hold what it reads. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.byteLength
  }

  varint(max: number): number {
    const read = readVarint(this.#bytes, this.#offset)
    if (read === undefined || read === 'invalid' || read.value > max) throw MALFORMED
    this.#offset = read.end
    return read.value
  }

  boolean(): boolean {
    return this.varint(1) === 1
  }

  /** Two bytes, the high one first. */
  uint16(): number {
    const [high, low] = this.take(2) as unknown as [number, number]
    return (high << 8) | low
  }

  /** Four bytes, the high one first. */
  uint32(): number {
    const [a, b, c, d] = this.take(4) as unknown as [number, number, number, number]
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  }

  /** UTF-8 behind its length in bytes. */
  text(bytesMax: number): string {
    const text = decodeUtf8(this.take(this.varint(bytesMax)))
    if (text === undefined) throw MALFORMED
    return text
  }

  /** A copy of the next `count` bytes. */
  take(count: number): Uint8Array {
    const end = this.#offset + count
    if (end > this.#bytes.byteLength) throw MALFORMED
    const part = this.#bytes.slice(this.#offset, end)
    this.#offset = end
    return part
  }

  /** Items up to the end of the bytes. */
  rest<Item>(read: () => Item, itemsMin: number): Item[] {
    const items: Item[] = []
    while (!this.isAtEnd) items.push(read())
    if (items.length < itemsMin) throw MALFORMED
    return items
  }
}
