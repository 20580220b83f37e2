import { PAGE_CONNECTIONS_PER_SECOND } from './limits.ts'
import type { DefaultRtc, RtcImplementation } from './rtc.ts'

export const defaultRtc: DefaultRtc = {
  resolvesMdns: true,
  connectionsPerSecond: PAGE_CONNECTIONS_PER_SECOND,
  async load() {
    const { RTCPeerConnection } = globalThis as Partial<RtcImplementation>
    if (!RTCPeerConnection) throw new Error('RTCPeerConnection is not there, or switched off')
    return { RTCPeerConnection }
  },
}
