/** How a substream ended. */
export type SubstreamEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'reset'; readonly by: 'us' | 'peer'; readonly code: number }

/**
 * One of many byte streams over a peer's session, in WebTransport's shape. `closed` never rejects; it resolves when both
 * directions ended or either side reset it. Reading or writing a reset substream fails with `ERR_SUBSTREAM_RESET`.
 */
export interface Substream {
  readonly type: string
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
  readonly closed: Promise<SubstreamEnd>
  /** Ends both directions now and tells the peer. The code stays on this side: mplex has no room for it. */
  reset(code?: number): void
  /** The substream without WHATWG streams around it; locks `readable` and `writable`. A TypeError once they are in use. */
  raw(): RawSubstream
}

/** What services use where microseconds count. Credit returns to the writer only when `consume` is called. */
export interface RawSubstream {
  /** Takes the buffer over. False: taken, but wait for `onDrain`. */
  write(bytes: Uint8Array): boolean
  onDrain: () => void
  /** Bytes in order; what came before the assignment is delivered on it. */
  onBytes: (bytes: Uint8Array) => void
  /** The peer finished writing. */
  onEnd: () => void
  /** Says that so many delivered bytes are done with; the peer may send as many again. */
  consume(byteCount: number): void
  /** We finished writing; flushes. */
  end(): void
  reset(code?: number): void
}
