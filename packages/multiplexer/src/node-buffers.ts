import type { PeerBuffers } from './credit.ts'
import { NODE_BUFFERED_BYTES_MAX } from './limits.ts'

/** Received and unread bytes of all peers of a node. Beyond the bound the peer with most unread loses its laziest substream. */
export class NodeBuffers {
  readonly bytesMax: number
  readonly #peers = new Map<PeerBuffers, () => void>()
  #unreadBytes = 0

  /** A RangeError unless `bytesMax` is a positive integer. */
  constructor({ bytesMax = NODE_BUFFERED_BYTES_MAX }: { bytesMax?: number } = {}) {
    if (!Number.isSafeInteger(bytesMax) || bytesMax < 1) throw new RangeError('bytesMax must be a positive integer')
    this.bytesMax = bytesMax
  }

  get unreadBytes(): number {
    return this.#unreadBytes
  }

  /** `reset` ends the substream of this peer that has most unread. */
  add(buffers: PeerBuffers, reset: () => void): void {
    this.#peers.set(buffers, reset)
  }

  /** The peer is gone: what it left unread is its reader's. */
  delete(buffers: PeerBuffers): void {
    if (this.#peers.delete(buffers)) this.#unreadBytes -= buffers.unreadBytes
  }

  changed(buffers: PeerBuffers, byteCount: number): void {
    if (this.#peers.has(buffers)) this.#unreadBytes += byteCount
  }

  relieve(): void {
    while (this.#unreadBytes > this.bytesMax) this.#peers.get(this.#fullest())?.()
  }

  #fullest(): PeerBuffers {
    return [...this.#peers.keys()].reduce((one, other) => (other.unreadBytes > one.unreadBytes ? other : one))
  }
}
