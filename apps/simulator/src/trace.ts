const FNV_PRIME = 0x01000193
const SEED_ONE = 0x811c9dc5
const SEED_TWO = 0x9747b28c

/** What one delivery was. */
export interface Delivery {
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
}

/** A fingerprint of everything that was delivered, when, between whom: equal for equal runs. */
export class Trace {
  #one = SEED_ONE
  #two = SEED_TWO
  #deliveries = 0

  get deliveries(): number {
    return this.#deliveries
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.#one, this.#two].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  add({ atMs, from, to, bytes }: Delivery): void {
    this.#deliveries++
    let hash = SEED_ONE ^ bytes.byteLength
    for (let index = 0; index < bytes.byteLength; index++) hash = Math.imul(hash ^ (bytes[index] as number), FNV_PRIME)
    this.#mix(hash)
    this.#mix(atMs)
    this.#mix(from)
    this.#mix(to)
  }

  #mix(word: number): void {
    this.#one = Math.imul(this.#one ^ word, FNV_PRIME)
    this.#one ^= this.#one >>> 13
    this.#two = Math.imul(this.#two ^ (word + 0x9e3779b9), 0x85ebca6b)
    this.#two ^= this.#two >>> 16
  }
}
