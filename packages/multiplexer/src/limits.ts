/** Concurrent substreams that the peer may have open towards us: a browser's peer runs db, dnode, relay and a screenful of the application's. */
export const SUBSTREAMS_IN_MAX = 32

/** Concurrent substreams that we open: twice as many, so that a caller's mistake is an error here before it is a reset there. */
export const SUBSTREAMS_OUT_MAX = 64

/** UTF-8 bytes of a substream's type: a name, not a payload; a NewStream frame stays under 128 bytes. */
export const TYPE_BYTES_MAX = 64

/** Ids are at most this: `id << 3 | flag` stays a positive 32-bit integer, as in js-libp2p, and 2²⁸ opens outlast any session. */
export const SUBSTREAM_ID_MAX = 2 ** 28 - 1

/** Credit that both sides of a new substream start with, part of the protocol: 25 MB/s at 10 ms, and 16 of them fill `BUFFERED_BYTES_MAX`. */
export const INITIAL_CREDIT_BYTES = 256 * 1024

/** A window grows up to this: 40 MB/s at 100 ms round trip. */
export const WINDOW_BYTES_MAX = 4 * 1024 * 1024

/** Received and unread bytes of all of a peer's substreams together: 64 peers then hold at most 256 MiB even if all of them are hostile. */
export const BUFFERED_BYTES_MAX = 4 * 1024 * 1024

/** Unread bytes of all of a node's peers together, where they share a `NodeBuffers`: sixteen peers at their own limit. */
export const NODE_BUFFERED_BYTES_MAX = 64 * 1024 * 1024

/** The most credit that a peer may let us gather on one substream: more would only be a way to reach numbers that add up wrong. */
export const SEND_CREDIT_BYTES_MAX = 2 ** 31 - 1

/** A round trip below this is a loop-back, where a larger window gains nothing. */
export const WINDOW_GROWS_ABOVE_RTT_MS = 1

/** Longest channel message we make, whatever the channel takes: a turn stays short and data channels stay at their safe size. */
export const MESSAGE_BYTES_MAX = 16 * 1024

/** Shortest channel message we can live with: the longest NewStream frame (5 + 1 + 64 bytes) and room to spare. */
export const MESSAGE_BYTES_MIN = 128

/** Room below which a message is sent rather than filled with the first splinter of a longer write. */
export const SPLINTER_BYTES = 64

/** Longest frame that plain mplex may send us: the maximum in its specification. With credit a frame lies inside one channel message. */
export const PLAIN_FRAME_BYTES_MAX = 1024 * 1024

/** Bytes of one substream that wait for a turn before `write` says false: four channel messages, so that frames are always full. */
export const WRITE_HIGH_WATER_BYTES = 64 * 1024

/** Bytes at which `onDrain` asks for more: two channel messages are still there while the writer is woken. */
export const WRITE_LOW_WATER_BYTES = 32 * 1024

/** Bytes waiting at which a writer that ignores `false` gets a RangeError instead of the machine's memory. */
export const WRITE_QUEUE_BYTES_MAX = 16 * 1024 * 1024

/** Received chunks shorter than this are joined while they wait: half a message, so that a kept one pins at most twice its bytes. */
export const JOIN_BYTES = 8 * 1024

/** Blocks that short chunks are joined in begin this small, for most substreams have little waiting, and double to this size. */
export const JOIN_BLOCK_BYTES_MIN = 512
export const JOIN_BLOCK_BYTES_MAX = 16 * 1024

/** Control frames waiting for the channel: about 16,000 resets, which only a peer that opens without reading can cause. */
export const CONTROL_QUEUE_BYTES_MAX = 64 * 1024

/** Microtask turns between a small write and its message: enough for WHATWG writers to add their next chunk, far below a microsecond. */
export const FLUSH_TURNS = 4

/** Frames for which a lower rank may be passed over in a row: nobody starves, and a ping is never behind more than one of them. */
export const PASSED_OVER_FRAMES_MAX = 8

/** Opens that a peer may send at once, and per second after that; the next are refused. One costs us some 20 µs: 16 KiB of bare opens would take 100 ms. */
export const OPENS_BURST = 1000
export const OPENS_PER_SECOND = 1000

/** Opens that we refuse (too many open, or too fast) at once, and per second after that, before the session ends. */
export const REFUSED_OPENS_BURST = 100
export const REFUSED_OPENS_PER_SECOND = 10

/** Late frames without data (close, reset, credit) that a substream which ended may still cause: what can be under way, and some. */
export const LATE_FRAMES_PER_SUBSTREAM = 32

/** Late bytes that a plain mplex peer may have under way when we reset a substream: it has no credit to bound them. */
export const PLAIN_LATE_BYTES_PER_SUBSTREAM = 16 * 1024 * 1024

/** How long `close` waits for credit to flush what was written; a peer that reads needs one round trip. */
export const CLOSE_FLUSH_MS = 500

/** Longest message of `toChannel` unless told otherwise; both ends of a channel must agree on it. */
export const CHANNEL_MESSAGE_BYTES_MAX = 64 * 1024

/** What a caller may set lower or higher for one multiplexer. */
export interface MultiplexerLimits {
  readonly substreamsInMax: number
  readonly substreamsOutMax: number
  readonly bufferedBytesMax: number
}

const DEFAULTS: MultiplexerLimits = {
  substreamsInMax: SUBSTREAMS_IN_MAX,
  substreamsOutMax: SUBSTREAMS_OUT_MAX,
  bufferedBytesMax: BUFFERED_BYTES_MAX,
}

/** Fills in the defaults. A TypeError for an unknown name, a RangeError for anything but a positive integer. */
export function parseLimits(given: Partial<MultiplexerLimits> = {}): MultiplexerLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULTS, name)) throw new TypeError(`limits.${name} is not a limit of the multiplexer`)
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`limits.${name} must be a positive integer`)
  }
  return { ...DEFAULTS, ...given }
}
