export { CLOSE_CODE_MAX, CLOSE_CODES, type CloseCode } from './close-codes.ts'
export type { SessionErrorCode } from './errors.ts'
export { type Hello, type HelloVerdict, judgeHello, type ReadHelloOptions, readHello, refusePath } from './hello.ts'
export type { SessionLimits } from './limits.ts'
export type {
  AcceptPathOptions,
  AddPathOptions,
  PathFacts,
  Session,
  SessionOptions,
  SessionPath,
  SessionPathEvent,
  SessionState,
} from './options.ts'
export { createSession } from './session.ts'
