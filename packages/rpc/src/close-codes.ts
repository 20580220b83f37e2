/** How a session ends that the peer broke; the numbers stand in docs/protocol/rpc.md. 0 is an ordinary end. */
export const CLOSE_CODES = {
  finished: 0,
  lineTooLong: 1,
  notUtf8: 2,
  notJson: 3,
  tooDeep: 4,
  badShape: 5,
  forbiddenKey: 6,
  badCallback: 7,
  tooManyCallbacks: 8,
  unknownMethod: 9,
  unknownCallback: 10,
  secondMethods: 11,
  truncatedLine: 12,
  answersUnread: 13,
} as const

/** A numbered reason why what the peer sent ends the session. */
export type Violation = Exclude<(typeof CLOSE_CODES)[keyof typeof CLOSE_CODES], 0>

const SENTENCES: Readonly<Record<Violation, string>> = {
  1: 'a line was longer than the limit',
  2: 'a line was not UTF-8',
  3: 'a line was not JSON',
  4: 'a line was nested deeper than the limit',
  5: 'a line was not {method, arguments, callbacks, links: []}',
  6: 'a line held a key named __proto__, constructor or prototype',
  7: 'a callback had a bad id or did not point at a "[Function]" in the arguments',
  8: 'a line had more callbacks than the limit',
  9: 'a line named a method that was not offered',
  10: 'a line named a callback id that was never given out',
  11: 'the methods were told a second time',
  12: 'the bytes ended inside a line',
  13: 'calls kept coming while their answers were not read',
}

export function describeViolation(violation: Violation): string {
  return SENTENCES[violation]
}
