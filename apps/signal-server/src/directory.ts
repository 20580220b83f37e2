import type { PeerId } from '@resilient-swarm/contract'
import type { CloseCodeName } from '@resilient-swarm/signal-exchange/protocol'

/** In whose hands a key is: a client over a socket, or one in this process. */
export interface Holder {
  /** Hands over a signal; false when too much waits for this client already. */
  deliver(signal: { readonly id: string; readonly box: string }): boolean
  /** Closes with a numbered code and a word for people. */
  close(why: CloseCodeName): void
}

/** Who is online: one holder a key, the newest that proved it. */
export interface Directory<Holder> {
  /** Puts the key into these hands and returns whose it was. */
  claim(key: PeerId, holder: Holder): Holder | undefined
  /** Takes the key from this holder; nothing happens when a newer one has it. */
  release(key: PeerId, holder: Holder): void
  /** Any text: what is no key has no holder. */
  get(key: string): Holder | undefined
  readonly size: number
}

export function createDirectory<Holder>(): Directory<Holder> {
  const holders = new Map<string, Holder>()
  return {
    claim(key, holder) {
      const before = holders.get(key)
      holders.set(key, holder)
      return before === holder ? undefined : before
    },
    release(key, holder) {
      if (holders.get(key) === holder) holders.delete(key)
    },
    get: (key) => holders.get(key),
    get size() {
      return holders.size
    },
  }
}
