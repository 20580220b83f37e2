export {
  chooseRelays,
  isWorthTrying,
  type RecordedLink,
  type RelayCandidate,
  type RelayChoiceFacts,
  type RelayNeighbour,
} from './choose-relay.ts'
export { type RelayErrorCode, refusalOf } from './errors.ts'
export { RELAY_LIMITS, type RelayLimits } from './limits.ts'
export type {
  Circuit,
  CircuitLimits,
  DialOptions,
  IncomingCircuit,
  Relay,
  RelayCounters,
  RelayOptions,
} from './options.ts'
export { CIRCUIT_END_CODES, REFUSAL_CODES, type Refusal } from './refusal-codes.ts'
export { createRelay } from './relay.ts'
