export { REFUSE_CODES } from './refusal.ts'
export type { RtcImplementation } from './rtc.ts'
export type { WebrtcError, WebrtcErrorCode } from './webrtc-error.ts'
export { type WebrtcOptions, webrtc } from './webrtc-transport.ts'
