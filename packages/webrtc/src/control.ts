/** How a channel ended, as numbers; listed in docs/protocol/webrtc.md. Others are the upper layers'. */
export const CLOSE_CODES = { finished: 0, lost: 1, protocol: 2, overflow: 3 } as const

const CODE_MAX = 0xffff

/** The texts of this protocol; messages are binary. */
export type Control =
  | { readonly kind: 'close'; readonly code: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }

const CLOSE = /^close (0|[1-9]\d{0,4})$/

/** A RangeError for a close code that is not a 16-bit number. */
export function encodeControl(control: Control): string {
  if (control.kind !== 'close') return control.kind
  if (!Number.isInteger(control.code) || control.code < 0 || control.code > CODE_MAX) {
    throw new RangeError(`a close code is an integer from 0 to ${CODE_MAX}`)
  }
  return `close ${control.code}`
}

/** Undefined for any other text. */
export function decodeControl(text: string): Control | undefined {
  if (text === 'closed' || text === 'ping' || text === 'pong') return { kind: text }
  const code = Number(CLOSE.exec(text)?.[1] ?? Number.NaN)
  return code <= CODE_MAX ? { kind: 'close', code } : undefined
}
