export { RECORD_OVERHEAD_BYTES, type SecureChannel } from './cipher-channel.ts'
export { type CipherErrorCode, CLOSE_CODES } from './cipher-error.ts'
export { HANDSHAKE_TIMEOUT_MS, RECORD_BYTES_MAX, REKEY_AFTER_RECORDS } from './limits.ts'
export { type SecureChannelOptions, secureChannel } from './secure-channel.ts'
