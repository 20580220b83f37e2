import { SwarmError } from '@resilient-swarm/contract'

export type MultiplexerErrorCode =
  | 'ERR_CHANNEL_PROTOCOL'
  | 'ERR_MULTIPLEXER_CLOSED'
  | 'ERR_MULTIPLEXER_PROTOCOL'
  | 'ERR_SUBSTREAM_LIMIT'
  | 'ERR_SUBSTREAM_RESET'

/** Why a session ended, when the peer broke the protocol; the numbers of docs/protocol/multiplexer.md. */
export const CLOSE_CODES = Object.freeze({
  frameMalformed: 1,
  frameTooLong: 2,
  frameTruncated: 3,
  substreamIdReused: 4,
  substreamUnknown: 5,
  typeInvalid: 6,
  creditExceeded: 7,
  creditInvalid: 8,
  frameAfterEnd: 9,
  openFlood: 10,
  lateFlood: 11,
  controlFlood: 12,
})

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]

/** Codes of `SubstreamEnd` that the multiplexer itself gives; they stay on this side. 0 is what a reset without a code has. */
export const RESET_CODES = Object.freeze({
  unspecified: 0,
  sessionEnded: 1,
  buffersFull: 2,
  listenerThrew: 3,
  cancelled: 4,
  channelProtocol: 5,
})

/** Thrown while a peer's bytes are read, caught in one place, and never seen by a user. */
export class ProtocolViolation extends Error {
  readonly closeCode: CloseCode

  constructor(closeCode: CloseCode, message: string) {
    super(message)
    this.closeCode = closeCode
  }
}

export function protocolError(violation: ProtocolViolation): SwarmError<MultiplexerErrorCode> {
  return new SwarmError(
    `The peer broke the multiplexer's protocol (close code ${violation.closeCode}): ${violation.message}. Call it again, and update whichever side is older.`,
    { code: 'ERR_MULTIPLEXER_PROTOCOL', cause: violation },
  )
}

export function resetError(by: 'us' | 'peer', code: number): SwarmError<MultiplexerErrorCode> {
  const who = by === 'us' ? `This side reset the substream with code ${code}.` : 'The peer reset the substream.'
  return new SwarmError(`${who} What was not read is lost; open a new substream to go on.`, { code: 'ERR_SUBSTREAM_RESET' })
}

export function closedError(cause?: unknown): SwarmError<MultiplexerErrorCode> {
  return new SwarmError('The session with this peer has ended, and its substreams with it. Call the peer again.', {
    code: 'ERR_MULTIPLEXER_CLOSED',
    cause,
    retryable: true,
  })
}
