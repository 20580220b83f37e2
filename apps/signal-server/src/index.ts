export { DEFAULT_LIMITS, type SignalServerLimits } from './limits.ts'
export type { LocalMember, LocalMemberOptions, Sought } from './local-member.ts'
export type { SignalServerOptions } from './options.ts'
export { createSignalServer, type SignalServer, type SignalServerStats } from './signal-server.ts'
