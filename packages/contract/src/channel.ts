import type { SwarmError } from './swarm-error.ts'

/**
 * How a channel ended. `code` 0 is an end that both sides agreed on; every other number is listed in the
 * protocol page of the layer that sent it. `error` is there whenever something may have been lost.
 */
export interface CloseReason {
  readonly by: 'us' | 'peer'
  readonly code: number
  readonly error?: SwarmError
}

/** The reason of an ordinary end. */
export const FINISHED: CloseReason = Object.freeze({ by: 'us', code: 0 })

/**
 * The one interface between two layers: ordered, reliable, keeps message boundaries, closable, with back pressure.
 *
 * - `send` takes the buffer over (do not touch it again), as a view: what lies around it in its ArrayBuffer belongs to others,
 *   so a channel that transfers memory copies first. `false` means: taken, but wait for `onDrain` before the next.
 *   Sending on a channel that has ended does nothing and returns false. A message over `maxMessageBytes` is a RangeError.
 * - A channel with `headroomBytes` puts at most so many bytes of its own before a message. Who leaves them free in front of it, in
 *   the same buffer, hands over `freeBytesBefore` as well and so spares the channel a copy.
 * - Messages that come before `onMessage` is assigned wait, bounded, and are delivered in order on assignment.
 *   The receiver owns what it is handed.
 * - `close` flushes what was sent, then ends; `abort` ends now. Both are idempotent, and the first one wins.
 * - `closed` never rejects. Nothing is delivered after it resolved.
 */
export interface Channel {
  readonly maxMessageBytes: number
  readonly headroomBytes?: number
  send(message: Uint8Array, freeBytesBefore?: number): boolean
  onMessage: (message: Uint8Array) => void
  onDrain: () => void
  close(reason?: CloseReason): void
  abort(error: SwarmError): void
  readonly closed: Promise<CloseReason>
}

/** Anything that ends when told to; idempotent. */
export interface Closable {
  close(): void | Promise<void>
}
