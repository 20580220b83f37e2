import { Duplex } from 'node:stream'
import { type RawSubstream, type Substream, SwarmError } from '@resilient-swarm/contract'
import { type MultiplexerErrorCode, RESET_CODES } from './errors.ts'
import { ReceiveQueue } from './receive-queue.ts'

/** A Node Duplex over one substream; half-open, with back pressure both ways. Takes the substream raw. */
export function toDuplex(substream: Substream): Duplex {
  return new SubstreamDuplex(substream)
}

class SubstreamDuplex extends Duplex {
  readonly #raw: RawSubstream
  readonly #waiting = new ReceiveQueue()
  #waitingBytes = 0
  #wanted = false
  #unconsumedBytes = 0
  #written: ((error?: Error | null) => void) | undefined
  #peerEnded = false
  #weEnded = false

  constructor(substream: Substream) {
    super({ allowHalfOpen: true })
    this.#raw = substream.raw()
    this.#raw.onDrain = () => this.#done()
    this.#raw.onBytes = (bytes) => {
      this.#unconsumedBytes += bytes.byteLength
      this.#waiting.push(bytes)
      this.#waitingBytes += bytes.byteLength
      if (this.#wanted) this._read()
    }
    this.#raw.onEnd = () => {
      this.#peerEnded = true
      if (this.#waiting.isEmpty) this.push(null)
    }
    void substream.closed.then((end) => {
      if (end.kind === 'finished') return
      const who = end.by === 'us' ? `This side ended the substream with code ${end.code}.` : 'The peer ended the substream.'
      const code: MultiplexerErrorCode = 'ERR_SUBSTREAM_RESET'
      this.destroy(new SwarmError(`${who} Open a new one to go on.`, { code }))
    })
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    // Copied: whoever wrote it may use the buffer again once `done` was called.
    if (this.#raw.write(new Uint8Array(chunk))) done()
    else this.#written = done
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#weEnded = true
    this.#raw.end()
    done()
  }

  override _read(): void {
    this.#wanted = true
    while (this.#wanted) {
      const chunk = this.#waiting.take()
      if (!chunk) break
      this.#waitingBytes -= chunk.byteLength
      this.#wanted = this.push(chunk)
    }
    if (this.#peerEnded && this.#waiting.isEmpty) this.push(null)
    this.#consume()
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size)
    this.#consume()
    return chunk
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // After both ends the last bytes may still be on their way out: they need no reset, and would be lost by one.
    if (!this.#peerEnded || !this.#weEnded) this.#raw.reset(RESET_CODES.cancelled)
    this.#done(error ?? undefined)
    done(error)
  }

  /** Credit goes back for what has left the Duplex's own buffer. */
  #consume(): void {
    const gone = this.#unconsumedBytes - this.#waitingBytes - this.readableLength
    if (gone <= 0) return
    this.#unconsumedBytes -= gone
    this.#raw.consume(gone)
  }

  #done(error?: Error): void {
    const done = this.#written
    this.#written = undefined
    done?.(error)
  }
}
