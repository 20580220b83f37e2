import type { Clock, PeerId, RawSubstream, Substream, SubstreamEnd, Timer } from '@resilient-swarm/contract'
import { FrameScanner } from './frame-scanner.ts'
import { CLOSE_TIMEOUT_MS } from './limits.ts'
import { type ControlFrame, encodeControl } from './messages.ts'

/** What came first on a leg, and the bytes right behind it, which are not consumed. */
export type OnFirstFrame = (frame: ControlFrame | undefined, rest: Uint8Array) => void

/** One `relay` substream, raw, with the peer at its other end; a circuit has two. */
export class Leg {
  readonly peer: PeerId
  readonly raw: RawSubstream
  /** Set by whoever owns the leg at the moment; called once. */
  onClosed: (end: SubstreamEnd) => void = nothing
  readonly #clock: Clock
  #end: SubstreamEnd | undefined
  #timer: Timer | undefined

  constructor({ peer, substream, clock }: { peer: PeerId; substream: Substream; clock: Clock }) {
    this.peer = peer
    this.raw = substream.raw()
    this.#clock = clock
    void substream.closed.then((end) => {
      this.#end = end
      this.#timer?.cancel()
      this.onClosed(end)
    })
  }

  get isClosed(): boolean {
    return this.#end !== undefined
  }

  /** Both sides ended it, in order. */
  get hasFinished(): boolean {
    return this.#end?.kind === 'finished'
  }

  send(frame: ControlFrame): boolean {
    return this.raw.write(encodeControl(frame))
  }

  /** Reads one frame, which is no MESSAGE; undefined in its place for anything else. Calls once, in the turn in which it came whole. */
  readFirst(onFirst: OnFirstFrame): void {
    const scanner = new FrameScanner()
    this.raw.onBytes = (bytes) => {
      for (let offset = 0; offset < bytes.byteLength; ) {
        offset = scanner.step(bytes, offset)
        if (scanner.event === 'partial') continue
        this.raw.consume(offset)
        this.raw.onBytes = (late) => this.raw.consume(late.byteLength)
        onFirst(scanner.event === 'control' ? scanner.control : undefined, bytes.subarray(offset))
        return
      }
      this.raw.consume(bytes.byteLength)
    }
  }

  /** Says a last word and ends; what still comes is thrown away, and who does not end in time is reset. */
  finish(last?: ControlFrame): void {
    if (this.isClosed) return
    this.raw.onBytes = (bytes) => this.raw.consume(bytes.byteLength)
    this.raw.onEnd = nothing
    this.raw.onDrain = nothing
    if (last) this.send(last)
    this.raw.end()
    this.linger(CLOSE_TIMEOUT_MS)
  }

  /** Resets the leg unless it ends by itself within this time. */
  linger(timeoutMs: number): void {
    if (this.isClosed) return
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimer(timeoutMs, () => this.raw.reset())
  }

  reset(): void {
    this.#timer?.cancel()
    this.raw.reset()
  }
}

function nothing(): void {}
