export { type ToChannelOptions, toChannel } from './adapters.ts'
export { CLOSE_CODES, type MultiplexerErrorCode, RESET_CODES } from './errors.ts'
export type { MultiplexerLimits } from './limits.ts'
export { createMultiplexer, type Multiplexer, type MultiplexerOptions } from './multiplexer.ts'
