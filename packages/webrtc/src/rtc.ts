/** Any WebRTC implementation: a browser's globals, `node-datachannel/polyfill`, `@roamhq/wrtc`, … */
export interface RtcImplementation {
  readonly RTCPeerConnection: new (configuration?: RTCConfiguration) => RTCPeerConnection
}

/** What this platform uses when no implementation is given. */
export interface DefaultRtc {
  /** Loads it on first use; rejects where there is none. */
  load(): Promise<RtcImplementation>
  /** Whether `….local` candidates (mDNS) can be used here. */
  readonly resolvesMdns: boolean
  /** New connections a second after the first three; undefined: as many as one likes. */
  readonly connectionsPerSecond: number | undefined
}
