import { concatBytes, encodeHex, type RawSubstream, type Substream } from '@resilient-swarm/contract'

/** A raw substream whose other end is the test. */
export interface FakeRaw extends RawSubstream {
  readonly written: Uint8Array[]
  /** Everything written, as hex. */
  readonly hex: string
  readonly writtenBytes: number
  consumedBytes: number
  ended: boolean
  wasReset: boolean
  /** What `write` answers. */
  hasRoom: boolean
}

export function createFakeRaw(): FakeRaw {
  const written: Uint8Array[] = []
  return {
    written,
    get hex() {
      return encodeHex(concatBytes(...written))
    },
    get writtenBytes() {
      return written.reduce((sum, { byteLength }) => sum + byteLength, 0)
    },
    consumedBytes: 0,
    ended: false,
    wasReset: false,
    hasRoom: true,
    onDrain: () => {},
    onBytes: () => {},
    onEnd: () => {},
    write(bytes) {
      if (!this.ended && !this.wasReset) written.push(bytes.slice())
      return this.hasRoom
    },
    consume(byteCount) {
      this.consumedBytes += byteCount
    },
    end() {
      this.ended = true
    },
    reset() {
      this.wasReset = true
    },
  }
}

/** A substream around it that never ends by itself. */
export function createFakeSubstream(raw: FakeRaw = createFakeRaw()): Substream {
  return {
    type: 'relay',
    readable: new ReadableStream(),
    writable: new WritableStream(),
    closed: new Promise(() => {}),
    reset: (code) => raw.reset(code),
    raw: () => raw,
  }
}
