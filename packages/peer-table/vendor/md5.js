// MD5 for PouchDB, which names revisions, checkpoints and attachments by it; nothing rests on its strength.

// RFC 1321 §3.4: the constants are |sin(i + 1)| × 2³², and each of the four rounds has its own four shifts.
const SINES = Int32Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32))
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]
const BLOCK_BYTES = 64

/** 16 bytes. */
export function md5(bytes) {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES) // 0x80, and the length in 8 bytes
  const padded = new Uint8Array(blocks * BLOCK_BYTES)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n, true)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let start = 0; start < padded.length; start += BLOCK_BYTES) mix(state, view, start)
  return new Uint8Array(state.buffer)
}

function mix(state, view, start) {
  let [a, b, c, d] = state
  for (let step = 0; step < 64; step++) {
    const round = step >> 4
    const mixed = [(b & c) | (~b & d), (b & d) | (c & ~d), b ^ c ^ d, c ^ (b | ~d)][round]
    const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round] % 16
    const sum = (a + mixed + SINES[step] + view.getInt32(start + 4 * word, true)) | 0
    const shift = SHIFTS[round][step % 4]
    ;[a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0]
  }
  state[0] += a
  state[1] += b
  state[2] += c
  state[3] += d
}

/** As hexadecimal text. */
export function stringMd5(text) {
  return Array.from(md5(new TextEncoder().encode(text)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Base64 of the digest of a Blob, or of a string with one byte in each character. */
export async function binaryMd5(data, callback) {
  const bytes =
    typeof data === 'string'
      ? Uint8Array.from(data, (character) => character.charCodeAt(0))
      : new Uint8Array(await data.arrayBuffer())
  callback(btoa(String.fromCharCode(...md5(bytes))))
}
