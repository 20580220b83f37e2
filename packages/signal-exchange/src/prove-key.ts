import { concatBytes, encodeVarint, lengthPrefixed, utf8 } from '@resilient-swarm/contract'
import { DOMAINS, type KeyPair, type PublicKey, verify } from '@resilient-swarm/identity'

/** What a login proves: this key, to this server, in answer to this challenge, now. */
export interface LoginClaim {
  /** The server's URL as `normalizeOrigin` spells it. */
  readonly origin: string
  readonly nonce: Uint8Array
  /** The server's time in ms since 1970, as its challenge let the client know it. */
  readonly timeMs: number
}

/** lp(origin) ‖ lp(nonce) ‖ lp(key) ‖ lp(varint(time)): each part carries its length, so no two claims share their bytes. */
export function loginPayload({ origin, nonce, timeMs }: LoginClaim, publicKey: PublicKey): Uint8Array {
  return concatBytes(
    lengthPrefixed(utf8(origin)),
    lengthPrefixed(nonce),
    lengthPrefixed(publicKey),
    lengthPrefixed(encodeVarint(timeMs)),
  )
}

/** The signature of a login, 64 bytes. */
export function signLogin(keyPair: KeyPair, claim: LoginClaim): Uint8Array {
  return keyPair.sign(DOMAINS.register, loginPayload(claim, keyPair.publicKey))
}

/** Whether `signature` is this key's over this claim. */
export function verifyLogin({
  publicKey,
  claim,
  signature,
}: {
  publicKey: PublicKey
  claim: LoginClaim
  signature: Uint8Array
}): boolean {
  return verify({ publicKey, domain: DOMAINS.register, payload: loginPayload(claim, publicKey), signature })
}
