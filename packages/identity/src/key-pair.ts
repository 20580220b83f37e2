import type { PeerId } from '@resilient-swarm/contract'
import { engine } from '#default-engine'
import { toMontgomerySecret } from './curve25519.ts'
import { type Domain, signedBytes } from './domains.ts'
import { type DhKey, KEY_BYTES } from './engine-seam.ts'
import { encodePeerId } from './peer-id.ts'
import { type PublicKey, parsePublicKey } from './public-key.ts'

/** A node: whoever holds the seed is the node. The X25519 form belongs to the same key (decision 0001). */
export interface KeyPair {
  readonly seed: Uint8Array
  readonly publicKey: PublicKey
  readonly peerId: PeerId
  readonly dhSecret: Uint8Array
  readonly dhPublic: Uint8Array
  /** The same secret, held ready by the engine; give it to `createNoise`. */
  readonly dh: DhKey
  /** 64 bytes: Ed25519 over `lp(domain) ‖ lp(payload)`. */
  sign(domain: Domain, payload: Uint8Array): Uint8Array
}

/** The same seed gives the same node; without one, a new node. A RangeError unless the seed has 32 bytes. */
export function createKeyPair({ seed = crypto.getRandomValues(new Uint8Array(KEY_BYTES)) }: { seed?: Uint8Array } = {}): KeyPair {
  if (!(seed instanceof Uint8Array) || seed.byteLength !== KEY_BYTES) throw new RangeError(`seed must have ${KEY_BYTES} bytes`)
  const own = seed.slice()
  const signing = engine.createSigningKey(own)
  const publicKey = parsePublicKey(signing.public)
  const dhSecret = toMontgomerySecret(own)
  const dh = engine.createDhKey(dhSecret)
  return Object.freeze({
    seed: own,
    publicKey,
    peerId: encodePeerId(publicKey),
    dhSecret,
    dhPublic: dh.public,
    dh,
    sign: (domain: Domain, payload: Uint8Array) => signing.sign(signedBytes(domain, payload)),
  })
}
