import { nobleEngine } from '@resilient-swarm/identity/engine'

/** Records as the protocol page says it, without a thought for speed: a key, a counter, a new key every 2¹⁶ records. */
export function slowCipher(firstKey: Uint8Array) {
  let key = firstKey
  let counter = 0n
  const nonceOf = (value: bigint) =>
    Uint8Array.from({ length: 12 }, (_, at) => (at < 4 ? 0 : Number((value >> BigInt(8 * (at - 4))) & 0xffn)))
  const empty = new Uint8Array(0)
  const next = (): void => {
    counter++
    if (counter % 65_536n !== 0n) return
    key = nobleEngine
      .createAead(key)
      .seal(nonceOf(2n ** 64n - 1n), empty, new Uint8Array(32))
      .slice(0, 32)
  }
  return {
    seal(message: Uint8Array, kind: Uint8Array = empty): Uint8Array {
      const record = nobleEngine.createAead(key).seal(nonceOf(counter), kind, message)
      next()
      return record
    },
    skip: next,
  }
}
