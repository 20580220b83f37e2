/**
 * Numbers with which a session ends a path, or itself (in ABORT). 128 to 159 are the session's; a layer above has those below
 * in CLOSE, and 0 is an ordinary end.
 */
export const CLOSE_CODES = Object.freeze({
  finished: 0,
  /** Ended by `abort`: something may have been lost. */
  aborted: 128,
  /** A frame too short, too long, of an unknown type, or with a number that has another spelling. */
  frameMalformed: 129,
  /** Something else where HELLO had to come, a second HELLO, or one that answers somebody else. */
  helloInvalid: 130,
  /** The session that the HELLO names is not here: the dialling side must begin a new one. */
  unknownSession: 131,
  /** A number that says that we sent what we never sent. */
  ackInvalid: 132,
  /** DATA further ahead than a window reaches. */
  windowExceeded: 133,
  /** DATA behind CLOSE, or a second CLOSE at another place. */
  afterClose: 134,
  /** More than the receiver keeps while nobody listens. */
  unheard: 135,
  /** No HELLO in time. */
  helloTimeout: 136,
  /** A path beyond the most that a session keeps. */
  tooManyPaths: 137,
  /** The path stayed silent. */
  silent: 138,
})

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]

/** Codes travel as varints, and a path's own close has two bytes for one. */
export const CLOSE_CODE_MAX = 0xffff
