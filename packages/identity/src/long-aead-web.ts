import type { Aead, LongAead } from './engine-seam.ts'

// webcrypto-modern-algos, "ChaCha20-Poly1305"; the DOM's types do not know it yet.
const NAME = 'ChaCha20-Poly1305'
const TAG_BITS = 128
const KEY_FORMAT = 'raw-secret' as 'raw'

/** The browser's own ChaCha20-Poly1305. What it refuses, `aead` with the same key decides, so both say the same of every input. */
export async function createWebLongAead(key: Uint8Array, aead: Aead): Promise<LongAead | undefined> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined // none in a page that did not come by https
  const cryptoKey = await subtle?.importKey(KEY_FORMAT, key.slice(), NAME, false, ['encrypt', 'decrypt']).catch(() => undefined)
  if (!subtle || !cryptoKey) return undefined
  return {
    seal(nonce, ad, plaintext) {
      const iv = nonce.slice()
      const sealed = subtle.encrypt(parameters(iv, ad), cryptoKey, plaintext as BufferSource)
      return sealed.then(toBytes, () => aead.seal(iv, ad, plaintext))
    },
    open(nonce, ad, sealed) {
      const iv = nonce.slice()
      const plaintext = subtle.decrypt(parameters(iv, ad), cryptoKey, sealed as BufferSource)
      return plaintext.then(toBytes, () => aead.open(iv, ad, sealed))
    },
  }
}

function parameters(iv: Uint8Array, additionalData: Uint8Array): AesGcmParams {
  return { name: NAME, iv: iv as BufferSource, additionalData: additionalData as BufferSource, tagLength: TAG_BITS }
}

function toBytes(buffer: ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer)
}
