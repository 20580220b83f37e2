import { type Clock, encodeVarint, readVarint } from '@resilient-swarm/contract'
import { CLOSE_CODES, ProtocolViolation } from './errors.ts'
import { encodeFrame, FLAGS } from './frame.ts'
import { INITIAL_CREDIT_BYTES, SEND_CREDIT_BYTES_MAX, WINDOW_BYTES_MAX, WINDOW_GROWS_ABOVE_RTT_MS } from './limits.ts'
import type { NodeBuffers } from './node-buffers.ts'

/** What a credit frame says: the peer may send so many more bytes on a substream that it or we opened. */
export interface Credit {
  readonly bytes: number
  /** True when the side that gives the credit opened the substream: both sides number theirs from 0. */
  readonly fromInitiator: boolean
}

export function encodeCredit({ id, bytes, fromInitiator }: Credit & { readonly id: number }): Uint8Array {
  const data = encodeVarint(bytes * 2 + (fromInitiator ? 1 : 0))
  return encodeFrame({ flag: FLAGS.credit, id, data })
}

/** Throws a ProtocolViolation unless `data` is exactly one varint of 1…2³¹ − 1 bytes and a bit. */
export function decodeCredit(data: Uint8Array): Credit {
  const read = readVarint(data, 0)
  if (read === undefined || read === 'invalid' || read.end !== data.byteLength) {
    throw new ProtocolViolation(CLOSE_CODES.creditInvalid, 'a credit is one varint')
  }
  const bytes = Math.floor(read.value / 2)
  if (bytes < 1 || bytes > SEND_CREDIT_BYTES_MAX)
    throw new ProtocolViolation(CLOSE_CODES.creditInvalid, 'a credit is 1 to 2^31 - 1 bytes')
  return { bytes, fromInitiator: read.value % 2 === 1 }
}

/** Sums over all substreams of one peer. Windows grow only while their sum stays within `bytesMax`. */
export class PeerBuffers {
  readonly bytesMax: number
  readonly #node: NodeBuffers | undefined
  #unreadBytes = 0
  /** The windows of all substreams: what could be unread at worst. */
  windowBytes = 0

  constructor({ bytesMax, node }: { bytesMax: number; node?: NodeBuffers | undefined }) {
    this.bytesMax = bytesMax
    this.#node = node
  }

  /** Received and not consumed. */
  get unreadBytes(): number {
    return this.#unreadBytes
  }

  set unreadBytes(bytes: number) {
    this.#node?.changed(this, bytes - this.#unreadBytes)
    this.#unreadBytes = bytes
  }
}

export interface ReceiveWindowOptions {
  readonly buffers: PeerBuffers
  readonly clock: Clock
  /** False for plain mplex: any amount may come, only `PeerBuffers` counts it. */
  readonly flowControl: boolean
}

/**
 * What the peer may send on one substream, and what of it is unread. Credit goes back when half a window is consumed.
 *
 * The round trip is measured by credit itself: bytes beyond the limit that stood before a grant can only be sent by
 * somebody who has heard of the grant. If such bytes come after a pause in which the peer had nothing left to spend,
 * that pause was the window's fault and the window doubles, unless it was the reader who took longer than a round trip.
 */
export class ReceiveWindow {
  unreadBytes = 0
  #windowBytes: number
  #outstandingBytes: number
  #owedBytes = 0
  #probing = false
  #grantedMs = 0
  #spentMs = 0
  #untilOldLimitBytes = 0
  readonly #buffers: PeerBuffers
  readonly #clock: Clock
  readonly #flowControl: boolean

  constructor({ buffers, clock, flowControl }: ReceiveWindowOptions) {
    this.#buffers = buffers
    this.#clock = clock
    this.#flowControl = flowControl
    this.#windowBytes = flowControl ? INITIAL_CREDIT_BYTES : Number.POSITIVE_INFINITY
    this.#outstandingBytes = this.#windowBytes
    if (flowControl) buffers.windowBytes += this.#windowBytes
  }

  /** How much the peer may still send. */
  get outstandingBytes(): number {
    return this.#outstandingBytes
  }

  get windowBytes(): number {
    return this.#windowBytes
  }

  /** False: more came than was allowed. */
  receive(byteCount: number): boolean {
    if (byteCount > this.#outstandingBytes) return false
    this.#outstandingBytes -= byteCount
    this.unreadBytes += byteCount
    this.#buffers.unreadBytes += byteCount
    if (this.#probing) this.#probe(byteCount)
    if (this.#outstandingBytes === 0) this.#spentMs = this.#clock.monotonic()
    return true
  }

  /** Takes so many bytes off what is unread; how much credit to send now, often 0. */
  consume(byteCount: number): number {
    this.unreadBytes -= byteCount
    this.#buffers.unreadBytes -= byteCount
    this.#owedBytes += byteCount
    if (this.#owedBytes * 2 < this.#windowBytes) return 0
    this.#shrink()
    const grant = this.#owedBytes
    this.#owedBytes = 0
    if (grant === 0) return 0
    if (!this.#probing) {
      this.#probing = true
      this.#grantedMs = this.#clock.monotonic()
      this.#untilOldLimitBytes = this.#outstandingBytes
      if (this.#outstandingBytes > 0) this.#spentMs = this.#grantedMs
    }
    this.#outstandingBytes += grant
    return grant
  }

  /** Gives up its share of the peer's buffers, unread bytes included. */
  release(): void {
    this.#buffers.unreadBytes -= this.unreadBytes
    if (this.#flowControl) this.#buffers.windowBytes -= this.#windowBytes
    this.unreadBytes = 0
    this.#windowBytes = 0
    this.#outstandingBytes = 0
  }

  #probe(byteCount: number): void {
    if (this.#untilOldLimitBytes > 0) {
      this.#untilOldLimitBytes -= byteCount
      if (this.#untilOldLimitBytes === 0) this.#spentMs = this.#clock.monotonic()
      if (this.#untilOldLimitBytes < 0) this.#probing = false // one frame across the old limit: the grant came in time
      return
    }
    this.#probing = false
    const nowMs = this.#clock.monotonic()
    if (isHeldBack({ nowMs, grantedMs: this.#grantedMs, spentMs: this.#spentMs })) this.#grow()
  }

  #grow(): void {
    const room = this.#buffers.bytesMax - this.#buffers.windowBytes
    const more = Math.min(this.#windowBytes, WINDOW_BYTES_MAX - this.#windowBytes, room)
    if (more <= 0) return
    this.#windowBytes += more
    this.#buffers.windowBytes += more
    this.#owedBytes += more
  }

  /** A grown window gives back what substreams that opened later need. */
  #shrink(): void {
    const excess = this.#buffers.windowBytes - this.#buffers.bytesMax
    const less = Math.min(excess, this.#windowBytes - INITIAL_CREDIT_BYTES, this.#owedBytes)
    if (less <= 0) return
    this.#windowBytes -= less
    this.#buffers.windowBytes -= less
    this.#owedBytes -= less
  }
}

export interface GrantTimes {
  /** When the first byte came that only the grant allowed. */
  readonly nowMs: number
  readonly grantedMs: number
  /** When the last byte came that was allowed before the grant. */
  readonly spentMs: number
}

/** Whether the peer waited for credit because the window is smaller than the round trip needs. */
export function isHeldBack({ nowMs, grantedMs, spentMs }: GrantTimes): boolean {
  const roundTripMs = nowMs - grantedMs
  const readerMs = grantedMs - spentMs
  const pauseMs = nowMs - Math.max(grantedMs, spentMs)
  return roundTripMs >= WINDOW_GROWS_ABOVE_RTT_MS && readerMs < roundTripMs && pauseMs * 4 > roundTripMs
}
