/** Why an attempt is refused, as the number in a `refuse` signal; listed in docs/protocol/webrtc.md. From 16 on: the upper layers'. */
export const REFUSE_CODES = { cancelled: 1, unsupported: 2, sdp: 3, failed: 4 } as const

const WORDS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [REFUSE_CODES.cancelled, 'it gave up waiting'],
  [REFUSE_CODES.unsupported, 'it has no WebRTC'],
  [REFUSE_CODES.sdp, 'it cannot take our description'],
  [REFUSE_CODES.failed, 'its WebRTC failed'],
])

/** The reason in words; `code` is the peer's and may be anything. */
export function refusalWords(code: unknown): string {
  return WORDS.get(code) ?? `it said code ${Number.isSafeInteger(code) ? code : 'unknown'}`
}
