// What runs in the page: each vector through the browser's own cipher, and the refusals of it without noble's second opinion.
import { decodeHex, encodeHex } from '@resilient-swarm/contract'
import type { Aead } from '../src/engine-seam.ts'
import { createWebLongAead } from '../src/long-aead-web.ts'

const refuses: Aead = { seal: () => new Uint8Array(0), open: () => undefined }

interface Vector {
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
  readonly result: string
}

async function agrees({ key, iv, aad, msg, ct, tag, result }: Vector): Promise<boolean> {
  const long = await createWebLongAead(decodeHex(key), refuses)
  if (!long) return false
  const [nonce, ad] = [decodeHex(iv), decodeHex(aad)]
  const opened = await long.open(nonce, ad, decodeHex(ct + tag))
  if (result !== 'valid') return opened === undefined
  const sealed = await long.seal(nonce, ad, decodeHex(msg))
  return opened !== undefined && encodeHex(opened) === msg && encodeHex(sealed) === ct + tag
}

Object.assign(window, { agree: (vectors: Vector[]) => Promise.all(vectors.map(agrees)) })
