export { CLOSE_CODES, type CloseCodeName, closeCodeName } from './close-codes.ts'
export {
  BOX_BYTES_MAX,
  LOGIN_TIME_SKEW_MS,
  LOGIN_TIMEOUT_MS,
  LOOKUP_KEYS_MAX,
  NONCE_BYTES,
  SIGNAL_FRAME_BYTES_MAX,
  SIGNALS_IN_RATE,
} from './limits.ts'
export {
  type AnnouncedLimits,
  boxBytes,
  type ClientFrame,
  encodeFrame,
  type FailureCode,
  parseClientFrame,
  parseServerFrame,
  type ServerFrame,
} from './messages.ts'
export { normalizeOrigin, parseOrigin } from './origin.ts'
export { type LoginClaim, loginPayload, signLogin, verifyLogin } from './prove-key.ts'
