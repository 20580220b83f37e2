import { FRAME_COST_BYTES, FRAMES_AHEAD_MAX } from './limits.ts'

/** A frame that the peer has not acknowledged. */
export interface KeptFrame {
  readonly seq: number
  readonly frame: Uint8Array
  /** The acknowledgement inside it. */
  readonly ack: number
  /** Everything sent up to and with this frame, in bytes that count. */
  readonly end: number
  /** Bit `slot` is set while it is under way on that path. */
  paths: number
  /** On how many paths it ever went. */
  copies: number
}

/** What an acknowledgement told. */
export interface Acknowledged {
  readonly bytes: number
  /** Bits of the paths that carried something of it alone: those work. */
  readonly proven: number
}

export interface SendWindowOptions {
  readonly windowBytes: number
  readonly windowBytesMax: number
  readonly pathsMax: number
}

const NOTHING: Acknowledged = Object.freeze({ bytes: 0, proven: 0 })
const EPOCH_MS_MIN = 5 // shorter ones measure the machine, not the path

/** What was sent and is not acknowledged, and on which paths it went. Knows neither time nor channels. */
export class SendWindow {
  readonly #windowBytesMax: number
  readonly #outstanding: number[]
  #windowBytes: number
  #kept: KeptFrame[] = []
  #first = 0
  #cursor = 0
  #firstSeq = 0
  #nextSeq = 0
  #sentSeq = 0
  #end = 0
  #ackedEnd = 0
  #heldBack = false
  #epochMs: number | undefined
  #epochBytes = 0

  constructor({ windowBytes, windowBytesMax, pathsMax }: SendWindowOptions) {
    this.#windowBytes = windowBytes
    this.#windowBytesMax = windowBytesMax
    this.#outstanding = new Array<number>(pathsMax).fill(0)
  }

  get nextSeq(): number {
    return this.#nextSeq
  }

  get windowBytes(): number {
    return this.#windowBytes
  }

  /** Everything that is not acknowledged, sent or not. */
  get keptBytes(): number {
    return this.#end - this.#ackedEnd
  }

  get isEmpty(): boolean {
    return this.#firstSeq === this.#nextSeq
  }

  get hasRoom(): boolean {
    return this.keptBytes < this.#windowBytes
  }

  /** Takes over the next frame, whose `seq` is `nextSeq`. */
  push({ frame, ack }: { frame: Uint8Array; ack: number }): void {
    this.#end += frame.byteLength + FRAME_COST_BYTES
    this.#kept.push({ seq: this.#nextSeq++, frame, ack, end: this.#end, paths: 0, copies: 0 })
  }

  /** The oldest frame that is under way on none of the `trusted` paths and within the window. */
  next(trusted: number): KeptFrame | undefined {
    for (; this.#cursor < this.#kept.length; this.#cursor++) {
      const kept = this.#kept[this.#cursor] as KeptFrame
      if ((kept.paths & trusted) !== 0) continue
      const isWithin = kept.end - this.#ackedEnd <= this.#windowBytes && kept.seq - this.#firstSeq < FRAMES_AHEAD_MAX
      if (isWithin || kept.seq === this.#firstSeq) return kept
      this.#heldBack = true
      return undefined
    }
    return undefined
  }

  /** It goes out on the path `slot` now. */
  sent(kept: KeptFrame, slot: number): void {
    const bit = 1 << slot
    if ((kept.paths & bit) !== 0) return
    kept.paths |= bit
    kept.copies++
    this.#outstanding[slot] = this.outstandingOn(slot) + 1
    if (kept.seq >= this.#sentSeq) this.#sentSeq = kept.seq + 1
  }

  outstandingOn(slot: number): number {
    return this.#outstanding[slot] as number
  }

  /** Which paths are trusted has changed: looks at every frame again. */
  rescan(): void {
    this.#cursor = this.#first
  }

  /** What was under way on this path alone goes out again. */
  pathLost(slot: number): void {
    const bit = 1 << slot
    for (let index = this.#first; index < this.#kept.length; index++) (this.#kept[index] as KeptFrame).paths &= ~bit
    this.#outstanding[slot] = 0
    this.rescan()
  }

  /** The peer expects `ack` next. Undefined: that was never sent. An old one says nothing. */
  acknowledge(ack: number): Acknowledged | undefined {
    if (ack > this.#sentSeq) return undefined
    if (ack <= this.#firstSeq) return NOTHING
    const before = this.#ackedEnd
    let proven = 0
    for (; this.#firstSeq < ack; this.#firstSeq++) {
      const kept = this.#kept[this.#first] as KeptFrame
      if (kept.copies === 1) proven |= kept.paths
      for (let bits = kept.paths; bits !== 0; bits &= bits - 1) {
        const slot = 31 - Math.clz32(bits & -bits)
        this.#outstanding[slot] = this.outstandingOn(slot) - 1
      }
      this.#ackedEnd = kept.end
      this.#kept[this.#first++] = SPENT
    }
    if (this.#cursor < this.#first) this.#cursor = this.#first
    this.#compact()
    return { bytes: this.#ackedEnd - before, proven }
  }

  /**
   * Grows the window to twice what a round trip carries, where nothing but the window held the sender back in it.
   * Called with each acknowledgement.
   */
  grow({ bytes, nowMs, rttMs }: { bytes: number; nowMs: number; rttMs: number }): void {
    this.#epochBytes += bytes
    this.#epochMs ??= nowMs
    const elapsedMs = nowMs - this.#epochMs
    if (elapsedMs < Math.max(rttMs, EPOCH_MS_MIN)) return
    if (this.#heldBack) {
      const wanted = Math.floor((2 * this.#epochBytes * rttMs) / elapsedMs)
      this.#windowBytes = Math.min(this.#windowBytesMax, Math.max(this.#windowBytes, wanted))
    }
    this.#heldBack = false
    this.#epochBytes = 0
    this.#epochMs = nowMs
  }

  clear(): void {
    this.#kept = []
    this.#first = 0
    this.#cursor = 0
    this.#firstSeq = this.#nextSeq
    this.#ackedEnd = this.#end
  }

  #compact(): void {
    if (this.#first * 2 < this.#kept.length) return
    this.#kept.splice(0, this.#first)
    this.#cursor -= this.#first
    this.#first = 0
  }
}

const SPENT: KeptFrame = { seq: -1, frame: new Uint8Array(0), ack: 0, end: 0, paths: 0, copies: 0 }
