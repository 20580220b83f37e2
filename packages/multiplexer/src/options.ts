import type { Channel, CloseReason, Runtime, Substream, SwarmError } from '@resilient-swarm/contract'
import { MESSAGE_BYTES_MIN, type MultiplexerLimits } from './limits.ts'
import type { NodeBuffers } from './node-buffers.ts'

export interface MultiplexerOptions {
  /** The multiplexer takes it over: its `onMessage`, `onDrain` and its end. */
  readonly channel: Channel
  /** Which side dialled. Substream ids do not depend on it; log lines do. */
  readonly role: 'initiator' | 'responder'
  readonly runtime: Runtime
  /** False: plain mplex without credit, as other implementations speak it. Default true; both sides must agree. */
  readonly flowControl?: boolean
  /** The peer opened a substream. */
  readonly onSubstream: (substream: Substream) => void
  readonly limits?: Partial<MultiplexerLimits>
  /** What all of a node's peers may leave unread together; one for all their multiplexers. */
  readonly nodeBuffers?: NodeBuffers
}

/** Many substreams over one channel, each with a type and credit of its own. */
export interface Multiplexer {
  /** Throws ERR_MULTIPLEXER_CLOSED after the end, ERR_SUBSTREAM_LIMIT beyond the limit, RangeError for a type not of 1–64 bytes. */
  openSubstream(type: string): Substream
  readonly substreams: readonly Substream[]
  /** Sends what was written, as far as the peer takes it within 500 ms, then closes the channel. */
  close(): void
  abort(error: SwarmError): void
  /** Never rejects. A peer that broke the protocol shows as `by: 'us'` with a numbered code and ERR_MULTIPLEXER_PROTOCOL. */
  readonly closed: Promise<CloseReason>
}

const OPTIONS = new Set(['channel', 'role', 'runtime', 'flowControl', 'onSubstream', 'limits', 'nodeBuffers'])

/** A TypeError for an unknown name or role, a RangeError for a channel whose messages are too short. */
export function checkOptions(options: MultiplexerOptions): void {
  for (const name of Object.keys(options))
    if (!OPTIONS.has(name)) throw new TypeError(`${name} is not an option of createMultiplexer`)
  if (options.role !== 'initiator' && options.role !== 'responder') throw new TypeError("role is 'initiator' or 'responder'")
  if (options.channel.maxMessageBytes < MESSAGE_BYTES_MIN) {
    throw new RangeError(`channel must take messages of at least ${MESSAGE_BYTES_MIN} bytes`)
  }
}
