import {
  type Channel,
  type CloseReason,
  type DialContext,
  type ListenContext,
  type Path,
  type PeerId,
  SwarmError,
  type Transport,
} from '@resilient-swarm/contract'
import { webrtc } from '../src/index.ts'

/** Real WebRTC that a test can take away: towards one peer or towards all, with or without a word. */
export interface BreakableTransport extends Transport {
  /** No new path to or from this peer, until `allow`. */
  forbid(peer: PeerId): void
  allow(peer: PeerId): void
  /** Ends every path to the peer, as a lost connection does. */
  sever(peer: PeerId): void
  /** From now on nothing goes through in either direction of the present paths to the peer, and nobody is told. */
  mute(peer: PeerId): void
}

export function breakable(transport: Transport = webrtc()): BreakableTransport {
  const forbidden = new Set<PeerId>()
  const channels = new Map<PeerId, Set<MutableChannel>>()

  function keep(path: Path, peer: PeerId): Path {
    const channel = new MutableChannel(path.channel)
    const known = channels.get(peer) ?? new Set()
    channels.set(peer, known.add(channel))
    void channel.closed.then(() => known.delete(channel))
    return { ...path, channel }
  }

  function check(peer: PeerId): void {
    if (forbidden.has(peer)) throw new SwarmError('The test forbids this path.', { code: 'ERR_TEST_FORBIDDEN', retryable: true })
  }

  return {
    name: transport.name,
    async dial(target: PeerId, context: DialContext) {
      check(target)
      return keep(await transport.dial(target, context), target)
    },
    listen(context: ListenContext) {
      return transport.listen({
        ...context,
        onAttempt: (answer) =>
          context.onAttempt(async (attempt) => {
            check(attempt.from)
            return keep(await answer(attempt), attempt.from)
          }),
      })
    },
    forbid: (peer) => void forbidden.add(peer),
    allow: (peer) => void forbidden.delete(peer),
    sever(peer) {
      for (const channel of channels.get(peer) ?? []) channel.abort(new SwarmError('The test cut it.', { code: 'ERR_TEST_CUT' }))
    },
    mute(peer) {
      for (const channel of channels.get(peer) ?? []) channel.isMute = true
    },
  }
}

class MutableChannel implements Channel {
  isMute = false
  readonly #channel: Channel

  constructor(channel: Channel) {
    this.#channel = channel
  }

  get maxMessageBytes(): number {
    return this.#channel.maxMessageBytes
  }

  get closed(): Promise<CloseReason> {
    return this.#channel.closed
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#channel.onMessage = (message) => {
      if (!this.isMute) receive(message)
    }
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#channel.onMessage
  }

  set onDrain(drained: () => void) {
    this.#channel.onDrain = drained
  }

  get onDrain(): () => void {
    return this.#channel.onDrain
  }

  send(message: Uint8Array): boolean {
    return this.isMute || this.#channel.send(message)
  }

  close(reason?: CloseReason): void {
    this.#channel.close(reason)
  }

  abort(error: SwarmError): void {
    this.#channel.abort(error)
  }
}
