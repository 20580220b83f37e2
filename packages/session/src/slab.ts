// Asking the system for fresh pages costs more than copying into them: frames of 16 KiB are cut from slabs of four.
const SLAB_BYTES = 64 * 1024
const CUT_FROM_BYTES = 4 * 1024 // a smaller one is cheap to make, and must not keep a whole slab alive

/** Hands out memory for frames; nothing that was cut is ever cut again. */
export class Slab {
  #buffer = new ArrayBuffer(0)
  #usedBytes = 0

  readonly cut = (byteCount: number): Uint8Array => {
    if (byteCount < CUT_FROM_BYTES || byteCount > SLAB_BYTES / 2) return new Uint8Array(byteCount)
    if (this.#usedBytes + byteCount > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES)
      this.#usedBytes = 0
    }
    this.#usedBytes += byteCount
    return new Uint8Array(this.#buffer, this.#usedBytes - byteCount, byteCount)
  }
}
