import type { DefaultRtc, RtcImplementation } from './rtc.ts'

export const defaultRtc: DefaultRtc = {
  // Node would ask a DNS server for them: slow, in vain, and telling. Such peers reach us first, which is enough for ICE.
  resolvesMdns: false,
  async load() {
    const { RTCPeerConnection } = await import('node-datachannel/polyfill')
    return { RTCPeerConnection } as unknown as RtcImplementation
  },
}
