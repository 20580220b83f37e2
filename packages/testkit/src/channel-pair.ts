import { type Channel, type CloseReason, FINISHED, MessageSlot, SwarmError } from '@resilient-swarm/contract'

export interface ChannelPairOptions {
  readonly maxMessageBytes?: number
  /** Above this many bytes under way `send` says false. */
  readonly highWaterBytes?: number
  /** Sees, changes (return other bytes), multiplies or drops (return none) each message under way. */
  readonly tamper?: (message: Uint8Array, from: 'alice' | 'bob') => readonly Uint8Array[]
}

/** Two ends of a channel in memory. Messages arrive in a later micro-task, copied, as a real channel's would. */
export function createChannelPair(options: ChannelPairOptions = {}): readonly [alice: Channel, bob: Channel] {
  const alice = new MemoryChannel('alice', options)
  const bob = new MemoryChannel('bob', options)
  alice.other = bob
  bob.other = alice
  return [alice, bob]
}

const WAITING_BYTES_MAX = 64 * 1024 * 1024

class MemoryChannel implements Channel {
  readonly maxMessageBytes: number
  readonly closed: Promise<CloseReason>
  onDrain: () => void = () => {}
  other!: MemoryChannel
  readonly #slot = new MessageSlot({ waitingBytesMax: WAITING_BYTES_MAX })
  readonly #name: 'alice' | 'bob'
  readonly #options: ChannelPairOptions
  readonly #highWaterBytes: number
  #resolveClosed!: (reason: CloseReason) => void
  #ended = false
  #closing = false
  #underWay: Uint8Array[] = []
  #underWayBytes = 0
  #full = false
  #scheduled = false

  constructor(name: 'alice' | 'bob', options: ChannelPairOptions) {
    this.#name = name
    this.#options = options
    this.maxMessageBytes = options.maxMessageBytes ?? 16 * 1024
    this.#highWaterBytes = options.highWaterBytes ?? 64 * 1024
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
    if (message.byteLength > this.maxMessageBytes) {
      throw new RangeError(`a message is at most ${this.maxMessageBytes} bytes, this one has ${message.byteLength}`)
    }
    if (this.#ended || this.#closing) return false
    this.#underWay.push(message)
    this.#underWayBytes += message.byteLength
    this.#schedule()
    this.#full = this.#underWayBytes > this.#highWaterBytes
    return !this.#full
  }

  close(reason: CloseReason = FINISHED): void {
    if (this.#ended || this.#closing) return
    this.#closing = true
    queueMicrotask(() => {
      this.#deliver()
      this.#end(reason)
      this.other.#end({ ...reason, by: 'peer' })
    })
  }

  abort(error: SwarmError): void {
    if (this.#ended) return
    this.#underWay = []
    this.#end({ by: 'us', code: 1, error })
    const lost = new SwarmError('The other end of the channel went away.', { code: 'ERR_CHANNEL_LOST' })
    queueMicrotask(() => this.other.#end({ by: 'peer', code: 1, error: lost }))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const messages = this.#underWay
    this.#underWay = []
    this.#underWayBytes = 0
    for (const message of messages) {
      const arriving = this.#options.tamper ? this.#options.tamper(message.slice(), this.#name) : [message.slice()]
      for (const one of arriving) if (!this.other.#ended) this.other.#slot.push(one)
    }
    if (this.#full && !this.#ended) {
      this.#full = false
      this.onDrain()
    }
  }

  #end(reason: CloseReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#resolveClosed(reason)
  }
}
