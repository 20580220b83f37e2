import type { RawSubstream, Substream, SubstreamEnd } from '@resilient-swarm/contract'
import { RESET_CODES } from './errors.ts'
import { WRITE_HIGH_WATER_BYTES } from './limits.ts'
import { ReceiveQueue } from './receive-queue.ts'
import type { SubstreamCore } from './substream.ts'

/** The face that users see: WHATWG streams that are made on first access, or the raw side, never both. */
export function createSubstream(core: SubstreamCore): Substream {
  return new WebSubstream(core)
}

class WebSubstream implements Substream {
  readonly #core: SubstreamCore
  #readable: ReadableStream<Uint8Array> | undefined
  #writable: WritableStream<Uint8Array> | undefined
  #isRaw = false

  constructor(core: SubstreamCore) {
    this.#core = core
  }

  get type(): string {
    return this.#core.type
  }

  get closed(): Promise<SubstreamEnd> {
    return this.#core.closed
  }

  get readable(): ReadableStream<Uint8Array> {
    this.#refuseRaw()
    this.#readable ??= createReadable(this.#core)
    return this.#readable
  }

  get writable(): WritableStream<Uint8Array> {
    this.#refuseRaw()
    this.#writable ??= createWritable(this.#core)
    return this.#writable
  }

  reset(code?: number): void {
    this.#core.reset(code)
  }

  raw(): RawSubstream {
    this.#refuseRaw()
    if (this.#readable || this.#writable) throw new TypeError('raw() comes before readable and writable: they are in use')
    this.#isRaw = true
    return this.#core
  }

  #refuseRaw(): void {
    if (this.#isRaw) throw new TypeError('this substream was taken raw: readable, writable and a second raw() are locked')
  }
}

/** Chunks leave without a copy, one a read; credit goes back when a reader takes one. */
function createReadable(core: SubstreamCore): ReadableStream<Uint8Array> {
  let controller: ReadableStreamDefaultController<Uint8Array>
  const waiting = new ReceiveQueue()
  let wanted = false
  let ended = false
  const hand = (chunk: Uint8Array) => {
    wanted = false
    controller.enqueue(chunk)
    core.consume(chunk.byteLength)
  }
  return new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
        core.onReadLost = () => {
          waiting.clear()
          controller.error(core.readLost)
        }
        if (core.readLost) return core.onReadLost()
        core.onBytes = (bytes) => {
          if (wanted && waiting.isEmpty) hand(bytes)
          else waiting.push(bytes)
        }
        core.onEnd = () => {
          ended = true
          if (waiting.isEmpty) controller.close()
        }
      },
      pull() {
        const chunk = waiting.take()
        if (chunk === undefined) wanted = true
        else hand(chunk)
        if (ended && chunk !== undefined && waiting.isEmpty) controller.close()
      },
      // mplex cannot tell a peer to stop: what still comes is thrown away, so that its writer can finish.
      cancel() {
        for (let chunk = waiting.take(); chunk; chunk = waiting.take()) core.consume(chunk.byteLength)
        ended = true
        core.onBytes = (bytes) => core.consume(bytes.byteLength)
        core.onEnd = () => {}
      },
    },
    { highWaterMark: 0 },
  )
}

/** A write is done as soon as its buffer is free again; only a full queue makes it a promise. */
function createWritable(core: SubstreamCore): WritableStream<Uint8Array> {
  let settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  const wait = () => new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
  return new WritableStream<Uint8Array>(
    {
      start(controller) {
        core.onWriteLost = () => {
          const error = core.writeLost
          settle?.reject(error)
          controller.error(error)
        }
        if (core.writeLost) return core.onWriteLost()
        core.onDrain = () => {
          core.ownLastWrite()
          settle?.resolve()
        }
        core.onEndSent = () => settle?.resolve()
      },
      write(chunk) {
        if (!(chunk instanceof Uint8Array)) {
          core.reset(RESET_CODES.cancelled)
          throw new TypeError('a substream takes Uint8Array chunks')
        }
        if (core.writeLost) throw core.writeLost
        if (!core.write(chunk)) return wait()
        core.ownLastWrite()
      },
      close() {
        if (core.writeLost) throw core.writeLost
        const sent = wait()
        core.end()
        return sent
      },
      abort() {
        core.reset(RESET_CODES.cancelled)
      },
    },
    { highWaterMark: WRITE_HIGH_WATER_BYTES, size: (chunk) => (chunk instanceof Uint8Array ? chunk.byteLength : 0) },
  )
}
