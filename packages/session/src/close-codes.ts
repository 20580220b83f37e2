/**
 * Numbers with which a session ends a path, or itself (in ABORT). 128 to 159 are the session's own; CLOSE carries those of the
 * layers above, and 0 is an ordinary end.
 */
export const CLOSE_CODES = Object.freeze({
  finished: 0,
  /** Ended by `abort`: something may be lost. */
  aborted: 128,
  /** A frame too short, too long, of an unknown type, or with a number that has another spelling. */
  frameMalformed: 129,
  /** Something else where HELLO had to come, a second HELLO, or one that answers somebody else. */
  helloInvalid: 130,
  /** The session that the HELLO names is not here: the dialling side must begin a new one. */
  unknownSession: 131,
  /** An acknowledgement of what was never sent. */
  ackInvalid: 132,
  /** DATA further ahead than a window reaches. */
  windowExceeded: 133,
  /** DATA behind CLOSE, or a second CLOSE at another place. */
  afterClose: 134,
  /** More came than is kept while nobody listens. */
  unheard: 135,
  /** No HELLO in time. */
  helloTimeout: 136,
  /** More paths than a session keeps. */
  tooManyPaths: 137,
  /** The path was silent for too long. */
  silent: 138,
  /** No path for too long, or the end was never acknowledged. Never sent. */
  lost: 139,
})

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]

/** A path's own close has two bytes for it. */
export const CLOSE_CODE_MAX = 0xffff
