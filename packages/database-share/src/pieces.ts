import type { Channel } from '@resilient-swarm/contract'
import { PIECE_BYTES_MAX } from './limits.ts'

/** Bits of a piece's first byte. Questions and answers take turns piece by piece, so a long document holds no question up. */
export const PIECE = { more: 1, answer: 2 } as const

export type Lane = 'question' | 'answer'

/** Whether a piece is of an answer, or of no message at all. */
export function isAnswer(piece: Uint8Array): boolean {
  return ((piece[0] ?? 0) & PIECE.answer) !== 0
}

/** Cuts messages into pieces, no faster than the channel takes them. */
export interface PieceSender {
  /** Resolves when the channel has room for the next; of one lane messages leave in order, one at a time. */
  send(lane: Lane, message: Uint8Array): Promise<void>
  drained(): void
  /** Nothing waits any longer. */
  close(): void
}

export function createPieceSender(channel: Pick<Channel, 'send' | 'maxMessageBytes'>): PieceSender {
  const bodyBytesMax = Math.min(PIECE_BYTES_MAX, channel.maxMessageBytes) - 1
  const lanes: Record<Lane, Promise<void>> = { question: Promise.resolve(), answer: Promise.resolve() }
  const waiting = new Set<() => void>()
  let flowing = true
  let closed = false

  function release(): void {
    flowing = true
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  async function sendPieces(lane: Lane, message: Uint8Array): Promise<void> {
    let offset = 0
    do {
      if (!flowing) await new Promise<void>((resolve) => waiting.add(resolve))
      if (closed) return
      // Another lane may have filled the channel since it drained.
      if (!flowing) continue
      const end = Math.min(offset + bodyBytesMax, message.byteLength)
      const piece = new Uint8Array(1 + end - offset)
      piece[0] = (end < message.byteLength ? PIECE.more : 0) | (lane === 'answer' ? PIECE.answer : 0)
      piece.set(message.subarray(offset, end), 1)
      offset = end
      if (!channel.send(piece)) flowing = false
    } while (offset < message.byteLength)
  }

  return {
    send(lane, message) {
      lanes[lane] = lanes[lane].then(() => sendPieces(lane, message))
      return lanes[lane]
    },
    drained: release,
    close() {
      closed = true
      release()
    },
  }
}

export interface PieceJoinerOptions {
  /** The longest message of each lane. */
  readonly bytesMax: Readonly<Record<Lane, number>>
  readonly onMessage: (lane: Lane, message: Uint8Array) => void
}

/** Puts messages together again. `push` says false for a piece that is none, and for one too many. */
export function createPieceJoiner({ bytesMax, onMessage }: PieceJoinerOptions): { push(piece: Uint8Array): boolean } {
  const begun: Record<Lane, Gathering> = { question: new Gathering(), answer: new Gathering() }
  return {
    push(piece) {
      const flags = piece[0]
      // A piece without a body would cost its sender nothing, for ever.
      if (flags === undefined || flags > (PIECE.more | PIECE.answer) || piece.byteLength < 2) return false
      const lane = flags & PIECE.answer ? 'answer' : 'question'
      const body = piece.subarray(1)
      if (begun[lane].bytes + body.byteLength > bytesMax[lane]) return false
      if (flags & PIECE.more) begun[lane].add(body)
      else onMessage(lane, begun[lane].take(body))
      return true
    },
  }
}

/** One buffer that grows: a list of pieces would cost a hundred bytes for each that has one. */
class Gathering {
  bytes = 0
  #buffer = new Uint8Array(0)

  add(body: Uint8Array): void {
    const bytes = this.bytes + body.byteLength
    if (bytes > this.#buffer.byteLength) {
      const larger = new Uint8Array(Math.max(bytes, 2 * this.#buffer.byteLength, PIECE_BYTES_MAX))
      larger.set(this.#buffer.subarray(0, this.bytes))
      this.#buffer = larger
    }
    this.#buffer.set(body, this.bytes)
    this.bytes = bytes
  }

  /** The whole message, ended by its last piece. */
  take(last: Uint8Array): Uint8Array {
    if (this.bytes === 0) return last
    this.add(last)
    const whole = this.#buffer.subarray(0, this.bytes)
    this.bytes = 0
    this.#buffer = new Uint8Array(0)
    return whole
  }
}
