import { type Clock, decodeBase64Url, encodeBase64Url, fullBucket, type PeerId, takeToken } from '@resilient-swarm/contract'
import { BOX_BYTES_MAX, type CloseCodeName, SIGNALS_IN_RATE } from '@resilient-swarm/signal-exchange/protocol'
import type { Directory, Holder } from './directory.ts'

export interface LocalMemberOptions {
  readonly peerId: PeerId
  readonly onSignal: (signal: { readonly id: string; readonly box: Uint8Array }) => void
  /** A newer login proved the same key here. */
  readonly onDisplaced: () => void
  /** A client over a socket has a signal for somebody who is not here. Within each client's own rate. */
  readonly onSought?: (sought: Sought) => void
}

/** `from` has proven its key; `to` is any text of a key's shape. */
export interface Sought {
  readonly from: PeerId
  readonly to: string
}

/** A client inside the server's own process: nothing to prove, no socket between. */
export interface LocalMember {
  /** What a client over a socket would be answered. */
  send(signal: { readonly to: PeerId; readonly id: string; readonly box: Uint8Array }): 'sent' | 'offline' | 'rate' | 'size'
  lookup(ids: readonly PeerId[]): ReadonlySet<PeerId>
  leave(): void
}

interface JoinedServer {
  readonly directory: Directory<Holder>
  /** Who is told of clients that seek somebody who is not here. */
  readonly listeners: Set<(sought: Sought) => void>
  readonly clock: Clock
}

export function joinLocally({
  peerId,
  onSignal,
  onDisplaced,
  onSought,
  directory,
  listeners,
  clock,
}: LocalMemberOptions & JoinedServer): LocalMember {
  let isHere = true
  let arriving = fullBucket(SIGNALS_IN_RATE, clock.monotonic())
  const holder: Holder = {
    deliver({ id, box }) {
      const { allowed, bucket } = takeToken(arriving, SIGNALS_IN_RATE, clock.monotonic())
      arriving = bucket
      const bytes = decodeBase64Url(box)
      // In a later turn, as if it had come over a socket.
      if (allowed && bytes) queueMicrotask(() => isHere && onSignal({ id, box: bytes }))
      return allowed
    },
    close(why: CloseCodeName) {
      if (!isHere) return
      end()
      if (why === 'displaced') onDisplaced()
    },
  }
  function end(): void {
    isHere = false
    listeners.delete(hear)
  }
  const hear = ({ from, to }: Sought) => onSought?.({ from, to })
  listeners.add(hear)
  directory.claim(peerId, holder)?.close('displaced')
  return {
    send({ to, id, box }) {
      if (box.byteLength > BOX_BYTES_MAX) return 'size'
      const receiver = directory.get(to)
      if (!receiver) return 'offline'
      return receiver.deliver({ id, box: encodeBase64Url(box) }) ? 'sent' : 'rate'
    },
    lookup: (ids) => new Set(ids.filter((id) => directory.get(id) !== undefined)),
    leave() {
      end()
      directory.release(peerId, holder)
    },
  }
}
