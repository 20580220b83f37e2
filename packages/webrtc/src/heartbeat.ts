import type { Clock, Timer } from '@resilient-swarm/contract'
import { HEARTBEAT_MS, SILENT_BEATS_MAX } from './limits.ts'

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly ping: () => void
  /** Bytes that wait to be sent: while they shrink the peer takes them, so it lives. */
  readonly bufferedBytes: () => number
  readonly onSilence: () => void
}

/**
 * Notices a peer that vanished without a word, long before ICE does (30 s in node-datachannel). It counts its own beats, not
 * time: a page that was frozen, or a machine that slept, asks again before it blames the peer.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #timer: Timer | undefined
  #silentBeats = 0
  #bufferedBytes = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#schedule()
  }

  /** Something came from the peer. */
  heard(): void {
    this.#silentBeats = -1
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimer(HEARTBEAT_MS, () => this.#beat())
  }

  #beat(): void {
    const { bufferedBytes, ping, onSilence } = this.#options
    const before = this.#bufferedBytes
    this.#bufferedBytes = bufferedBytes()
    this.#silentBeats = this.#bufferedBytes < before ? 0 : this.#silentBeats + 1
    if (this.#silentBeats > SILENT_BEATS_MAX) {
      onSilence()
      return
    }
    if (this.#silentBeats > 0) ping()
    this.#schedule()
  }
}
