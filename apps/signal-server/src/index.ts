export { DEFAULT_LIMITS, type SignalServerLimits } from './limits.ts'
export {
  createSignalServer,
  type SignalServer,
  type SignalServerOptions,
  type SignalServerStats,
} from './signal-server.ts'
