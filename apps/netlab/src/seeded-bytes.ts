/** Bytes that two processes make alike from one number; xorshift32, so that making them costs less than sending them. */
export function createSeededBytes(seed: number): (byteCount: number) => Uint8Array {
  let state = seed >>> 0 || 1 // zero would stay zero
  return (byteCount) => {
    const words = new Uint32Array(Math.ceil(byteCount / 4))
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[index] = state
    }
    return new Uint8Array(words.buffer, 0, byteCount)
  }
}
