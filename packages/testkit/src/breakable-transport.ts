import { type Channel, type CloseReason, type Path, type PeerId, SwarmError, type Transport } from '@resilient-swarm/contract'

/** A real transport that can be taken away: towards one peer, with or without a word. */
export interface BreakableTransport extends Transport {
  /** No new path to or from this peer, until `allow`. */
  forbid(peer: PeerId): void
  allow(peer: PeerId): void
  /** Ends every path to the peer, as a lost connection does. */
  sever(peer: PeerId): void
  /** Nothing goes through the present paths to the peer any more in either direction, and nobody is told. */
  mute(peer: PeerId): void
}

export function createBreakableTransport(transport: Transport): BreakableTransport {
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
    async dial(target, context) {
      check(target)
      return keep(await transport.dial(target, context), target)
    },
    listen: (context) =>
      transport.listen({
        ...context,
        onAttempt: (answer) =>
          context.onAttempt(async (attempt) => {
            check(attempt.from)
            return keep(await answer(attempt), attempt.from)
          }),
      }),
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

/** While mute it is as a dead line: what is sent stays in the buffer, which never drains. */
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

  get onMessage(): (message: Uint8Array) => void {
    return this.#channel.onMessage
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#channel.onMessage = (message) => {
      if (!this.isMute) receive(message)
    }
  }

  get onDrain(): () => void {
    return this.#channel.onDrain
  }

  set onDrain(drained: () => void) {
    this.#channel.onDrain = () => {
      if (!this.isMute) drained()
    }
  }

  send(message: Uint8Array): boolean {
    return !this.isMute && this.#channel.send(message)
  }

  close(reason?: CloseReason): void {
    this.#channel.close(reason)
  }

  abort(error: SwarmError): void {
    this.#channel.abort(error)
  }
}
