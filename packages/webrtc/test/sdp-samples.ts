import { writeSdp } from '../src/sdp-gate.ts'

export const FINGERPRINT = Uint8Array.from({ length: 32 }, (_, index) => index * 8)

/** A description as we write it. */
export const OURS = writeSdp({
  fingerprint: FINGERPRINT,
  setup: 'actpass',
  ufrag: 'alic',
  password: 'a'.repeat(22),
  mid: '0',
  sctpPort: 5000,
  messageBytesMax: 262_144,
})

const PRINT = 'sha-256 00:08:10:18:20:28:30:38:40:48:50:58:60:68:70:78:80:88:90:98:A0:A8:B0:B8:C0:C8:D0:D8:E0:E8:F0:F8'

/** The forms that implementations write, with one fingerprint and other names. */
export const WRITTEN_BY = {
  Chromium: `v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:bob1\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb\r\na=ice-options:trickle\r\na=fingerprint:${PRINT}\r\na=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n`,
  Firefox: `v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 7 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=sendrecv\r\na=fingerprint:${PRINT}\r\na=group:BUNDLE 0\r\na=ice-options:trickle\r\na=msid-semantic:WMS *\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sendrecv\r\na=ice-pwd:cccccccccccccccccccccccccccccccc\r\na=ice-ufrag:deadbeef\r\na=mid:0\r\na=setup:active\r\na=sctp-port:5000\r\na=max-message-size:1073741823\r\n`,
  'node-datachannel': `v=0\r\no=rtc 1143766739 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic:WMS *\r\na=ice-options:ice2,trickle\r\na=fingerprint:${PRINT}\r\nm=application 42352 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.2\r\na=mid:0\r\na=sendrecv\r\na=sctp-port:5000\r\na=max-message-size:262144\r\na=setup:actpass\r\na=ice-ufrag:+ylr\r\na=ice-pwd:QBwOHRceM1urDg+BzYOsVR\r\na=candidate:1 1 UDP 2114977791 192.0.2.2 42352 typ host\r\na=end-of-candidates\r\n`,
}
