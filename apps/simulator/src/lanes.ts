import { type Channel, type CloseReason, FINISHED, MessageSlot, SwarmError } from '@resilient-swarm/contract'
import { CHANNEL_MESSAGE_BYTES_MAX } from './limits.ts'
import type { Frame, LinkEnd } from './link.ts'

const ABORTED_CODE = 1
const NO_BYTES = new Uint8Array()

export interface LanesOptions {
  readonly end: LinkEnd
  /** The peer opened a lane. */
  readonly onLane: (channel: Channel) => void
}

/** Channels beside each other on one link, for tables: what substreams are in production. Only one of the two ends opens them. */
export class Lanes {
  readonly #options: LanesOptions
  readonly #open = new Map<number, LaneChannel>()
  #newest = 0

  constructor(options: LanesOptions) {
    this.#options = options
  }

  open(): Channel {
    return this.#add(this.#newest + 1)
  }

  receive(frame: Frame): void {
    if (frame.lane > this.#newest && !frame.ends) {
      const channel = this.#add(frame.lane)
      this.#options.onLane(channel)
    }
    this.#open.get(frame.lane)?.receive(frame)
  }

  /** The link ended. */
  end(): void {
    const error = new SwarmError('The link under this channel ended.', { code: 'ERR_SUBSTREAM_RESET', retryable: true })
    for (const channel of [...this.#open.values()]) channel.ended({ by: 'peer', code: ABORTED_CODE, error })
  }

  #add(lane: number): LaneChannel {
    this.#newest = lane
    const channel = new LaneChannel(this.#options.end, lane)
    this.#open.set(lane, channel)
    void channel.closed.then(() => this.#open.delete(lane))
    return channel
  }
}

class LaneChannel implements Channel {
  readonly maxMessageBytes = CHANNEL_MESSAGE_BYTES_MAX
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  readonly #end: LinkEnd
  readonly #lane: number
  readonly #slot = new MessageSlot({ waitingBytesMax: Number.MAX_SAFE_INTEGER }) // the sender's own feed window bounds it
  #hasEnded = false
  #resolveClosed: (reason: CloseReason) => void = () => {}

  constructor(end: LinkEnd, lane: number) {
    this.#end = end
    this.#lane = lane
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#slot.receive
  }

  set onMessage(receive: (message: Uint8Array) => void) {
    this.#slot.receive = receive
  }

  send(message: Uint8Array): boolean {
    if (this.#hasEnded) return false
    if (message.byteLength > this.maxMessageBytes) throw new RangeError(`a message is at most ${this.maxMessageBytes} bytes`)
    this.#end.send({ lane: this.#lane, kind: 'table', bytes: message })
    return true
  }

  close(): void {
    if (this.#hasEnded) return
    this.#end.send({ lane: this.#lane, kind: 'table', bytes: NO_BYTES, ends: 'finished' })
    this.ended(FINISHED)
  }

  abort(error: SwarmError): void {
    if (this.#hasEnded) return
    this.#end.send({ lane: this.#lane, kind: 'table', bytes: NO_BYTES, ends: 'aborted' })
    this.ended({ by: 'us', code: ABORTED_CODE, error })
  }

  receive({ bytes, ends }: Frame): void {
    if (this.#hasEnded) return
    if (ends === undefined) this.#slot.push(bytes)
    else if (ends === 'finished') this.ended({ by: 'peer', code: 0 })
    else {
      const error = new SwarmError('The peer ended this channel.', { code: 'ERR_SUBSTREAM_RESET', retryable: true })
      this.ended({ by: 'peer', code: ABORTED_CODE, error })
    }
  }

  ended(reason: CloseReason): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#resolveClosed(reason)
  }
}
