import { SwarmError, type SwarmErrorOptions } from '@resilient-swarm/contract'

/** Every way this package fails; each has a heading in the README. */
export type WebrtcErrorCode =
  | 'ERR_WEBRTC_CLOSED'
  | 'ERR_WEBRTC_FAILED'
  | 'ERR_WEBRTC_LOST'
  | 'ERR_WEBRTC_OVERFLOW'
  | 'ERR_WEBRTC_PROTOCOL'
  | 'ERR_WEBRTC_REFUSED'
  | 'ERR_WEBRTC_SDP'
  | 'ERR_WEBRTC_TIMEOUT'
  | 'ERR_WEBRTC_UNSUPPORTED'

export type WebrtcError = SwarmError<WebrtcErrorCode>

export function webrtcError(
  code: WebrtcErrorCode,
  message: string,
  options: Omit<SwarmErrorOptions<WebrtcErrorCode>, 'code'> = {},
): WebrtcError {
  return new SwarmError(message, { code, ...options })
}
