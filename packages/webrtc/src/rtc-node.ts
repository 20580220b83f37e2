import { SCTP_SEND_BUFFER_BYTES } from './limits.ts'
import type { DefaultRtc, RtcImplementation } from './rtc.ts'

export const defaultRtc: DefaultRtc = {
  // Node would ask a DNS server for them: slow, in vain, and telling. Such peers reach us first, which is enough for ICE.
  resolvesMdns: false,
  connectionsPerSecond: undefined,
  async load() {
    // One after the other: they share modules, and jest's linker does not stand two at once.
    const { setSctpSettings } = await import('node-datachannel')
    const { RTCPeerConnection } = await import('node-datachannel/polyfill')
    setSctpSettings({ sendBufferSize: SCTP_SEND_BUFFER_BYTES })
    return { RTCPeerConnection } as unknown as RtcImplementation
  },
}
