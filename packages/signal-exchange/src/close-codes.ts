/** Every number that a signal connection is closed with. 4000 and up are ours (RFC 6455 §7.4.2), the others WebSocket's. */
export const CLOSE_CODES = {
  /** The client is done. */
  finished: 1000,
  /** The server shuts down: use another one, or this one later. */
  goingAway: 1001,
  /** A frame over the limit; the WebSocket layer says so by itself. */
  frameTooLarge: 1009,
  /** A frame that is no frame of the protocol. */
  frameInvalid: 4000,
  /** A frame of the protocol at the wrong time: before the login, or a second login. */
  frameUnexpected: 4001,
  /** No login within the deadline. */
  loginTimeout: 4002,
  /** The login was made for another server's URL. */
  loginOrigin: 4003,
  /** The login signs a time that is not now. */
  loginTime: 4004,
  /** The login's signature is not by its key over this challenge. */
  loginSignature: 4005,
  /** A newer connection proved the same key. */
  displaced: 4006,
  /** The client does not read its answers. */
  tooSlow: 4007,
  /** Far more frames than the announced limits. */
  tooMany: 4008,
  /** No sign of life for two pings. */
  silent: 4009,
} as const

export type CloseCodeName = keyof typeof CLOSE_CODES

const NAMES: ReadonlyMap<number, CloseCodeName> = new Map(
  Object.entries(CLOSE_CODES).map(([name, code]) => [code, name as CloseCodeName]),
)

export function closeCodeName(code: number): CloseCodeName | undefined {
  return NAMES.get(code)
}
