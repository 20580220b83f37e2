import SimplePeer, { type SimplePeerConfig, type SimplePeerOptions, type SimplePeerSignal } from '#simple-peer'

export type NegotiatorSignal = SimplePeerSignal

/** The label of the one data channel; it names the protocol spoken on it. */
export const CHANNEL_LABEL = 'rs/1'

interface NegotiatorOptions extends SimplePeerOptions {
  readonly config: SimplePeerConfig & {
    readonly takeChannel: (channel: RTCDataChannel) => void
    readonly onFailure: (error: unknown) => void
  }
}

/** simple-peer without its hands on the data channel: it exchanges the descriptions, we move the bytes. */
export class Negotiator extends SimplePeer<NegotiatorOptions> {
  override _setupData({ channel }: { readonly channel: RTCDataChannel }): void {
    this.config.takeChannel(channel)
  }

  /** Told, not done: the channel has to be closed before the connection. */
  override __destroy(error?: Error): void {
    this.config.onFailure(error)
  }

  /** Without the wait for the route's statistics and the timers that only serve connections without trickle. */
  override _startIceCompleteTimeout(): void {}
}

/** simple-peer writes into the descriptions it is given; node-datachannel's have read-only fields. */
export function withPlainDescriptions(connection: RTCPeerConnection): RTCPeerConnection {
  for (const method of ['createOffer', 'createAnswer'] as const) {
    const create = connection[method].bind(connection) as () => Promise<RTCSessionDescriptionInit>
    const createPlain = async () => {
      const { type, sdp = '' } = await create()
      return { type, sdp }
    }
    Object.defineProperty(connection, method, { value: createPlain })
  }
  return connection
}

/** Whether a channel that the peer opened keeps order and loses nothing, as far as the implementation tells. */
export function isOurChannel({ label, ordered, maxRetransmits, maxPacketLifeTime }: RTCDataChannel): boolean {
  return label === CHANNEL_LABEL && ordered !== false && isUnlimited(maxRetransmits) && isUnlimited(maxPacketLifeTime)
}

const UNLIMITED = 0xffff // how @roamhq/wrtc says null

function isUnlimited(limit: number | null | undefined): boolean {
  return limit === null || limit === undefined || limit === UNLIMITED
}
