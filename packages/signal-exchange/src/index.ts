export type { SignalErrorCode } from './errors.ts'
export { openSignal, type SealedSignal, sealSignal } from './sealed-signal.ts'
export type { ServerState } from './signal-client.ts'
export {
  type AddedServer,
  createSignalExchange,
  type OutgoingSignal,
  type SignalExchange,
  type SignalExchangeOptions,
  type SignalServerStatus,
} from './signal-exchange.ts'
export type { WebSocketConstructor, WebSocketLike } from './web-socket.ts'
