import type { Session, SessionOptions } from './options.ts'

/** A session without a path yet: add those that were dialled, accept those that the peer dialled. */
export function createSession(options: SessionOptions): Session {
  throw new TypeError(String(options))
}
