// What we use of @thaunknown/simple-peer's lite.js, as vendor.mjs bundles it: pinned, so its inner `_…` methods are known.

export interface SimplePeerOptions {
  readonly initiator: boolean
  readonly channelName: string
  readonly config: SimplePeerConfig
}

export interface SimplePeerConfig {
  /** The connection to negotiate: vendor.mjs makes simple-peer's `new RTCPeerConnection(config)` return it. */
  readonly connection: RTCPeerConnection
}

export type SimplePeerSignal =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | {
      readonly type: 'candidate'
      readonly candidate: { readonly candidate: string; readonly sdpMid: string | null; readonly sdpMLineIndex: number | null }
    }

export default class SimplePeer<Options extends SimplePeerOptions = SimplePeerOptions> {
  constructor(options: Options)
  /** The options' `config` over simple-peer's defaults; set before `_setupData` is called. */
  readonly config: Options['config']
  on(event: 'signal', listen: (signal: SimplePeerSignal) => void): this
  signal(signal: SimplePeerSignal): void
  /** Closes the connection in a later turn of the event loop; idempotent. */
  destroy(): void
  /** Called with the one data channel, by the initiator from inside the constructor. */
  _setupData(event: { readonly channel: RTCDataChannel }): void
  /** Called when something failed. */
  __destroy(error?: Error): void
  /** Starts a timer of 5 s that only matters without trickle. */
  _startIceCompleteTimeout(): void
}
